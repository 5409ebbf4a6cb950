{#- What may stand before a name of a model without another price, by provider: how gateways and libraries say to whom a
    call goes. For every provider that is also its own name and a slash. -#}
{% macro model_name_routes() -%}
    {{ return({
        'azure': ['azure_ai/'],
        'bedrock': ['bedrock/converse/', 'bedrock/invoke/', 'converse/', 'invoke/'],
        'cohere': ['cohere_chat/'],
        'google': ['gemini/', 'models/'],
        'mistral': ['mistralai/'],
        'moonshotai': ['moonshot/'],
        'vertex_ai': ['publishers/anthropic/models/', 'publishers/google/models/'],
        'xai': ['x-ai/'],
    }) }}
{%- endmacro %}
