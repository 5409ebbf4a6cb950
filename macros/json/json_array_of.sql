{#- A JSON array of the values of a group's rows that meet a condition, in order; NULL when none does. -#}
{% macro json_array_of(value, condition) -%}
    jsonb_agg({{ value }} order by {{ value }}) filter (where {{ condition }})
{%- endmacro %}
