{#- Drops a relation as dbt does. Of a table in whose place a full refresh has put a new one, views that read it move
    to the new one first: dbt would drop them with it, long before they are built anew. -#}
{% macro postgres__drop_relation(relation) -%}
    {%- set is_replaced = relation.identifier.endswith('__dbt_backup') -%}
    {%- if is_replaced -%}
        {%- do move_views(relation) -%}
    {%- endif -%}
    {%- do dbt.default__drop_relation(relation) -%}
    {%- if is_replaced -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
