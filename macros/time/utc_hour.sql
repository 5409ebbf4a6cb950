{#- Start of the hour in UTC that a moment lies in. -#}
{% macro utc_hour(moment) -%}
    date_trunc('hour', {{ moment }} at time zone 'UTC') at time zone 'UTC'
{%- endmacro %}
