-- Whatever would let somebody read more than the policies mean, one sentence each.
with known_roles as (

    select *
    from pg_catalog.pg_roles
    where rolname = any (%(roles)s)

),

schemas as (

    select
        oid,
        nspname
    from pg_catalog.pg_namespace
    where
        nspname ~ '(^|_)(staging|intermediate|marts|documents|quality|reference|snapshots)$'
        or nspname in ('raw', 'ledger', 'access', 'audit')

),

relations as (

    select
        classes.*,
        cast(classes.oid as regclass) as name,
        exists (
            select 1
            from pg_catalog.pg_attribute
            where
                attrelid = classes.oid
                and attname in ('organization_id', 'organization_scope', 'user_id')
                and not attisdropped
        ) as holds_organizations
    from pg_catalog.pg_class as classes
    inner join schemas on classes.relnamespace = schemas.oid
    where classes.relkind in ('r', 'p', 'v', 'm', 'f')

),

faults as (

    select
        1 as place,
        format('Role %%s does not exist.', wanted) as fault
    from unnest(%(roles)s) as wanted
    where wanted not in (select rolname from known_roles)
    union all
    select
        2,
        format('Role %%s can do more than its policies: it is a superuser, can log in, passes policies by '
        'or creates roles or databases.', rolname)
    from known_roles
    where rolsuper or rolcanlogin or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication
    union all
    select
        3,
        format('Role %%s owns something in this database, and what one owns one may change.', rolname)
    from known_roles
    where
        exists (
            select 1
            from pg_catalog.pg_shdepend
            where
                refclassid = cast('pg_authid' as regclass)
                and refobjid = known_roles.oid
                and deptype = 'o'
                and dbid in (
                    0, (select oid from pg_catalog.pg_database where datname = current_database())
                )
        )
    union all
    select
        4,
        format(
            'Login %%s is in %%s and passes policies by: it is a superuser, has BYPASSRLS or is the owner.',
            logins.rolname, known_roles.rolname
        )
    from pg_catalog.pg_auth_members as members
    inner join known_roles on members.roleid = known_roles.oid
    inner join pg_catalog.pg_roles as logins on members.member = logins.oid
    cross join pg_catalog.pg_class as ledger_of_logins
    where
        ledger_of_logins.oid = cast('access.logins' as regclass)
        and known_roles.rolname not in ('builder', 'privacy_officer', 'loader')
        and (
            logins.rolsuper
            or logins.rolbypassrls
            or pg_has_role(logins.oid, ledger_of_logins.relowner, 'member')
        )
    union all
    select
        5,
        format('%%s holds rows of organizations and has no forced row-level security.', name)
    from relations
    where
        relkind in ('r', 'p')
        and not (relrowsecurity and relforcerowsecurity)
        and (holds_organizations or name in (cast('raw.organizations' as regclass)))
    union all
    select
        6,
        format('View %%s reads as its owner and not as who asks.', name)
    from relations
    where relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions), false)
    union all
    select
        7,
        format('%%s holds rows of organizations, and no policy can stand on it.', name)
    from relations
    where relkind in ('m', 'f') and holds_organizations
    union all
    select
        8,
        format('Everybody has rights on %%s.', name)
    from relations
    cross join lateral aclexplode(relations.relacl) as rights
    where rights.grantee = 0 and name <> cast('access.logins' as regclass)
    union all
    select
        9,
        format('Function %%s runs as its owner and not as who calls it.', cast(procs.oid as regprocedure))
    from pg_catalog.pg_proc as procs
    inner join schemas on procs.pronamespace = schemas.oid
    where procs.prosecdef
    union all
    select
        10,
        format('Login %%s may speak for organizations and does not exist.', login)
    from access.logins as allowed
    where login not in (select rolname from pg_catalog.pg_roles)
    union all
    select
        12,
        'A login lands events, and next month has no partition for them: run `warehouse roles apply`.'
    from pg_catalog.pg_auth_members as members
    inner join known_roles on members.roleid = known_roles.oid
    where
        known_roles.rolname = 'loader'
        and to_regclass(
            to_char(now() at time zone 'UTC' + interval '1 month', '"raw.task_executions_y"YYYY"m"MM')
        ) is null
    union all
    select
        13,
        'The audit log has no partition for next month: run `warehouse roles apply`.'
    where
        to_regclass(
            to_char(now() at time zone 'UTC' + interval '1 month', '"audit.audit_log_y"YYYY"m"MM')
        ) is null
    union all
    select
        11,
        format('Login %%s may speak for organizations and is in no role that reads.', login)
    from access.logins as allowed
    inner join pg_catalog.pg_roles as logins on allowed.login = logins.rolname
    where
        not exists (
            select 1
            from pg_catalog.pg_auth_members as members
            inner join known_roles on members.roleid = known_roles.oid
            where members.member = logins.oid
        )

)

select fault
from faults
group by place, fault
order by place, fault
