{#- Drops the tables that a full refresh has replaced and, because it was killed, not dropped. dbt does so
    right before the first hook of the model and in its transaction, whose isolation that hook could then
    no longer choose. -#}
{% macro drop_replaced_tables() -%}
    {%- set replaced = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'incremental' -%}
        {%- set name = node.alias ~ '__dbt_backup' -%}
        {%- set relation = api.Relation.create(target.database, node.schema, name, type='table') -%}
        {%- if adapter.get_relation(target.database, node.schema, name) is not none -%}
            {%- do move_views(relation) -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
        {%- do adapter.cache_dropped(relation) -%}
        {%- do replaced.append(relation | string) -%}
    {%- endfor -%}
    {%- call statement('replaced') -%}
        set client_min_messages = warning;
        drop table if exists {{ replaced | join(', ') }} cascade;
        reset client_min_messages;
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}
