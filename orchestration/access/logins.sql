-- Who is in which role, and what the logins may speak for.
with members as (

    select
        roles.rolname as role,
        logins.rolname as login
    from pg_catalog.pg_roles as roles
    left join pg_catalog.pg_auth_members as memberships on roles.oid = memberships.roleid
    left join pg_catalog.pg_roles as logins
        on memberships.member = logins.oid and logins.rolcanlogin
    where roles.rolname = any (%(roles)s)

)

select
    cast(members.role as text) as role,
    cast(members.login as text) as login,
    coalesce(bool_or(allowed.login is not null and allowed.organization_id is null), false)
        as every_organization,
    coalesce(
        array_agg(distinct allowed.organization_id)
        filter (where allowed.organization_id is not null),
        '{}'
    ) as organization_ids,
    coalesce(array_agg(distinct allowed.user_id) filter (where allowed.user_id is not null), '{}')
        as user_ids
from members
left join access.logins as allowed on members.login = allowed.login
group by members.role, members.login
order by array_position(%(roles)s, cast(members.role as text)), members.login
