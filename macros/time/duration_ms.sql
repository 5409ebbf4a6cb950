{#- Whole milliseconds between two moments, half up; exact, because epochs are numeric. -#}
{% macro duration_ms(started_at, ended_at) -%}
    cast(
        round((extract(epoch from {{ ended_at }}) - extract(epoch from {{ started_at }})) * 1000)
        as bigint
    )
{%- endmacro %}
