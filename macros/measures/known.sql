{#- A column of a unit in which nothing is missing: what joins and indexes compare. -#}
{% macro known(relation, column) -%}
    {%- set name = relation ~ '.' ~ column if relation else column -%}
    {{ "coalesce(" ~ name ~ ", '')" if column == 'model' else name }}
{%- endmacro %}
