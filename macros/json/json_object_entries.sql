{#- A lateral join: the fields of a JSON object, one row each, as `member` and `entry`. -#}
{% macro json_object_entries(object, alias) -%}
    cross join lateral jsonb_each({{ object }}) as {{ alias }} (member, entry)
{%- endmacro %}
