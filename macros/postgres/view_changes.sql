{#- Query: whether a view must be created or replaced to become like another one, and whether what
    stands in its place must go first, because PostgreSQL keeps the columns of a view that it
    replaces and adds new ones at the end only. -#}
{% macro view_changes(view, wanted) -%}
with relations as (

    select
        classes.oid,
        classes.relkind,
        array(
            select concat_ws(' ', attname, atttypid, atttypmod, attcollation)
            from pg_catalog.pg_attribute
            where attrelid = classes.oid and attnum > 0
            order by attnum asc
        ) as columns
    from pg_catalog.pg_class as classes

)

select
    existing.oid is not null
    and (
        existing.relkind <> 'v'
        or existing.columns <> wanted.columns[:cardinality(existing.columns)]
    ) as must_drop,
    existing.relkind is distinct from 'v'
    or existing.columns <> wanted.columns
    or pg_get_viewdef(existing.oid) <> pg_get_viewdef(wanted.oid) as must_create
from relations as wanted
left join relations as existing on existing.oid = to_regclass('{{ view }}')
where wanted.oid = to_regclass('{{ wanted }}')
{%- endmacro %}
