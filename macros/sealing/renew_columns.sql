{#- Statements of a full refresh that keeps sealed rows: give the table the columns that a new version of the
    model has, and those that it has already their new types. In sealed rows new columns are unknown. PostgreSQL
    changes no type under a view: views go and are built anew later in the same run. -#}
{% macro renew_columns() -%}
    {%- for column in model.columns.values() %}
    alter table {{ this }} add column if not exists {{ adapter.quote(column.name) }} {{ column.data_type }};
    {%- endfor %}

    create temporary table wanted_columns (
        {%- for column in model.columns.values() %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) on commit drop;

    do $renew$
    declare
        renewed record;
        view_name text;
    begin
        for renewed in
            select
                existing.attname as name,
                format_type(wanted.atttypid, wanted.atttypmod) as type
            from pg_catalog.pg_attribute as existing
            inner join pg_catalog.pg_attribute as wanted on existing.attname = wanted.attname
            where
                existing.attrelid = cast('{{ this }}' as regclass)
                and wanted.attrelid = cast('pg_temp.wanted_columns' as regclass)
                and existing.attnum > 0
                and (existing.atttypid, existing.atttypmod) <> (wanted.atttypid, wanted.atttypmod)
        loop
            for view_name in
                select distinct cast(cast(rules.ev_class as regclass) as text)
                from pg_catalog.pg_depend as uses
                inner join pg_catalog.pg_rewrite as rules on uses.objid = rules.oid
                inner join pg_catalog.pg_class as views on rules.ev_class = views.oid
                where
                    uses.refobjid = cast('{{ this }}' as regclass)
                    and uses.classid = cast('pg_rewrite' as regclass)
                    and views.relkind = 'v'
            loop
                execute format('drop view if exists %s cascade', view_name);
            end loop;
            execute format(
                'alter table {{ this }} alter column %I type %s', renewed.name, renewed.type
            );
        end loop;
    end
    $renew$;
{%- endmacro %}
