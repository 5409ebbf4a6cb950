-- What this login is and may: whether policies hold it, and which roles it lacks to serve tenants.
select
    roles.rolname as login,
    roles.rolsuper
    or roles.rolbypassrls
    or exists (
        select 1
        from pg_class as relations
        inner join pg_namespace as schemas on relations.relnamespace = schemas.oid
        where
            schemas.nspname in ('raw', 'marts')
            and pg_has_role(roles.oid, relations.relowner, 'member')
    ) as is_powerful,
    array(
        select wanted.name
        from unnest(cast(%(roles)s as text [])) with ordinality as wanted (name, position)
        where
            not exists (
                select 1
                from pg_roles as known
                where known.rolname = wanted.name and pg_has_role(roles.oid, known.oid, 'member')
            )
        order by wanted.position
    ) as missing_roles,
    exists (
        select 1
        from access.logins
        where logins.login = session_user and logins.organization_id is null
    ) as speaks_for_everybody
from pg_roles as roles
where roles.rolname = session_user
