{#- At the start of a full refresh: the declared foreign keys from and to the tables that it replaces go, and come back
    at its end. The drop of a table takes the keys that lead to it along, so that threads which drop both ends of one
    would wait for each other. Each goes in a transaction of its own, so that readers wait for one of them at most. -#}
{% macro drop_foreign_keys() -%}
    {%- if execute and flags.FULL_REFRESH and flags.WHICH in ('build', 'run') -%}
    {%- set replaced = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id in selected_resources and node.resource_type == 'model' -%}
        {%- do replaced.append("to_regclass('%s.%s')" % (node.schema, node.alias)) -%}
    {%- endfor -%}
    {%- set keys = [] if not replaced else run_query(
        "select format('alter table %s drop constraint if exists %I', cast(conrelid as regclass), conname) "
        ~ "from pg_catalog.pg_constraint where contype = 'f' and ("
        ~ "conrelid in (" ~ replaced | join(', ') ~ ") or confrelid in (" ~ replaced | join(', ') ~ "))"
    ).columns[0].values() -%}
    {%- for drop in keys -%}
        {%- call statement('drop') -%}
            {{ drop }}
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
