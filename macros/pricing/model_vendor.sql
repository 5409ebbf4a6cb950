{#- Who makes a model, from its name without its route, as the price book calls that provider; NULL when the name
    does not tell, or the maker sells no use of it. -#}
{% macro model_vendor(name) -%}
    case
            {%- for vendor, family in {
                'anthropic': 'claude',
                'cohere': 'command',
                'deepseek': 'deepseek',
                'google': 'gemini|gemma',
                'mistral': 'mistral|mixtral|ministral|codestral|devstral|magistral|pixtral|open-mi',
                'moonshotai': 'kimi|moonshot',
                'openai': 'gpt|chatgpt|codex|o[0-9]|text-embedding',
                'xai': 'grok',
            }.items() %}
            when {{ name }} ~ '^({{ family }})' then '{{ vendor }}'
            {%- endfor %}
        end
{%- endmacro %}
