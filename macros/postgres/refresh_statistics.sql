{#- Statement: when a partitioned table has outgrown what the planner knows of it by a tenth, let the
    planner look again at the columns that builds join on. The server never does so by itself for a
    partitioned table as a whole, and without it misjudges joins between loads and their rows. -#}
{% macro refresh_statistics(relation, columns) -%}
    do $refresh$
    begin
        if (
            select sum(partitions.n_live_tup)
            from pg_catalog.pg_inherits as children
            inner join pg_catalog.pg_stat_user_tables as partitions
                on children.inhrelid = partitions.relid
            where children.inhparent = cast('{{ relation }}' as regclass)
        ) > (
            select 1.1 * greatest(tables.reltuples, 0)
            from pg_catalog.pg_class as tables
            where tables.oid = cast('{{ relation }}' as regclass)
        ) then
            analyze {{ relation }} ({{ columns }});
        end if;
    end
    $refresh$
{%- endmacro %}
