-- The statements that give a login what it needs to build: schemas to build in, and what stands in them.
with schemas as (

    select
        oid,
        nspname
    from pg_catalog.pg_namespace
    where nspname ~ '(^|_)(staging|intermediate|marts|documents|quality|reference|snapshots)$'

),

statements as (

    select
        1 as place,
        format('grant create, temporary on database %%I to %%I', current_database(), cast(%(login)s as text))
            as statement
    union all
    select
        2,
        format('grant usage, create on schema %%I to %%I', nspname, cast(%(login)s as text))
    from schemas
    union all
    select
        3,
        format(
            'alter %%s %%s owner to %%I',
            case when relkind = 'v' then 'view' else 'table' end,
            cast(relations.oid as regclass),
            cast(%(login)s as text)
        )
    from pg_catalog.pg_class as relations
    inner join schemas on relations.relnamespace = schemas.oid
    where
        relkind in ('r', 'p', 'v')
        -- Migrations made these.
        and relations.oid not in (
            cast('quality.check_results' as regclass), cast('quality.checked_builds' as regclass)
        )
    union all
    select
        4,
        format('alter routine %%s owner to %%I', cast(procs.oid as regprocedure), cast(%(login)s as text))
    from pg_catalog.pg_proc as procs
    inner join schemas on procs.pronamespace = schemas.oid

)

select statement
from statements
order by place, statement
