{#- The moment that counts as now: the var `now` when it is set, else the clock. -#}
{% macro warehouse_now() -%}
    {%- if var('now') -%}
        cast('{{ var("now") }}' as timestamptz)
    {%- else -%}
        current_timestamp
    {%- endif -%}
{%- endmacro %}
