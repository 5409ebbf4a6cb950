{#- Condition: this moment lies no later than the var `as_of`; always true when it is not set. -#}
{% macro known_as_of(moment) -%}
    {%- if var('as_of') -%}
        {{ moment }} <= cast('{{ var("as_of") }}' as timestamptz)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
