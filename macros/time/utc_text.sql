{#- A moment as text in UTC, as PostgreSQL writes it by default, so that a key made of it follows neither
    the session's time zone nor its DateStyle, which JSON knows nothing of. -#}
{% macro utc_text(moment) -%}
    replace(to_jsonb({{ moment }} at time zone 'UTC') #>> '{}', 'T', ' ')
{%- endmacro %}
