{#- The calendar day of a moment in a named time zone, whatever the session's own zone is. -#}
{% macro local_date(moment, timezone) -%}
    cast({{ moment }} at time zone {{ timezone }} as date)
{%- endmacro %}
