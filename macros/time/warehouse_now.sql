{#- The moment that counts as now: the var `now` when it is set, else `as_of`, else the clock. -#}
{% macro warehouse_now() -%}
    {%- if var('now') or var('as_of') -%}
        cast('{{ var("now") or var("as_of") }}' as timestamptz)
    {%- else -%}
        current_timestamp
    {%- endif -%}
{%- endmacro %}
