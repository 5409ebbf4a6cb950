{#- A moment as text in UTC, so that a key made of it does not follow the session's time zone. -#}
{% macro utc_text(moment) -%}
    ({{ moment }} at time zone 'UTC')
{%- endmacro %}
