{#- At the end of a run: foreign keys of the tables that say in `meta` to which primary keys they lead, for the tools
    that find joins by them. PostgreSQL does not enforce them, since a dimension is built after its facts and is
    replaced by a full refresh; a table that was replaced has them again at the end of that run. PostgreSQL 18 is
    the first that knows such keys. -#}
{% macro declare_foreign_keys() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
    {%- set keys = [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- for target_name, columns in node.config.get('meta', {}).get('foreign_keys', {}).items() -%}
            {%- do keys.append("('%s.%s', '%s.%s', '%s_to_%s', '%s')" % (
                node.schema, node.alias, node.schema, target_name, node.alias, target_name, columns | join(', ')
            )) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- call statement('foreign_keys') -%}
        do $declare$
        declare
            missing record;
        begin
            if cast(current_setting('server_version_num') as integer) < 180000 then
                return;
            end if;
            for missing in
                select wanted.*
                from (
                    values
                    {{ keys | join(',\n                    ') }}
                ) as wanted (table_name, target_name, key_name, columns)
                inner join pg_catalog.pg_constraint as primary_keys
                    on
                        to_regclass(wanted.target_name) = primary_keys.conrelid
                        and primary_keys.contype = 'p'
                left join pg_catalog.pg_constraint as declared
                    on
                        to_regclass(wanted.table_name) = declared.conrelid
                        and wanted.key_name = declared.conname
                where
                    to_regclass(wanted.table_name) is not null
                    and declared.oid is null
            loop
                execute format(
                    'alter table %s add constraint %I foreign key (%s) references %s (%s) not enforced',
                    missing.table_name, missing.key_name, missing.columns,
                    missing.target_name, missing.columns
                );
            end loop;
        end
        $declare$;
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
