{#- The moment at which a day in UTC begins. -#}
{% macro utc_midnight(day) -%}
    cast({{ day }} as timestamp) at time zone 'UTC'
{%- endmacro %}
