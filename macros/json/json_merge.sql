{#- A JSON object with the fields of another one added; the other may be NULL. -#}
{% macro json_merge(object, other) -%}
    {{ object }} || coalesce({{ other }}, '{}')
{%- endmacro %}
