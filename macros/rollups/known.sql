{#- A column of a unit in which nothing is missing: what joins and indexes compare. -#}
{% macro known(relation, column) -%}
    {%- set nothing = {
        'model': "''", 'user_id': "cast('00000000-0000-0000-0000-000000000000' as uuid)"
    } -%}
    {%- set name = relation ~ '.' ~ column if relation else column -%}
    {%- if column in nothing -%}
        coalesce({{ name }}, {{ nothing[column] }})
    {%- else -%}
        {{ name }}
    {%- endif -%}
{%- endmacro %}
