-- Schema access: which login may speak for whom, and the rule by which every relation is protected.

create schema access;

comment on schema access is
'Which login may read whose rows, and the policies that follow from it.';

-- A setting alone opens nothing: whoever writes SQL can set it. What counts is the login that
-- connected, which `set role` and `set_config` leave as it is.
create table access.logins (
    login name not null,
    organization_id uuid,
    user_id uuid,
    allowed_by name not null default session_user,
    allowed_at timestamptz not null default clock_timestamp(),
    constraint logins_are_unique unique nulls not distinct (login, organization_id, user_id),
    constraint logins_of_users_name_an_organization check (
        user_id is null or organization_id is not null
    )
);

comment on table access.logins is
'One row per login and organization, or user of one, that it may read rows of.';
comment on column access.logins.organization_id is
'NULL for a login that may speak for every organization, such as that of an API.';
comment on column access.logins.user_id is
'NULL for a login that may speak for every user of the organization.';

create type access.membership as (member_id uuid, member_from date, member_until date);

comment on type access.membership is
'Somebody''s days in a team: from the first on, up to the second, which is NULL for who still is in it.';

-- A row with everybody of a team, and not one for each: a user finds the own team in it without a
-- policy that would have to read the table that it protects.
create table access.teams (
    organization_id uuid not null,
    team text not null,
    user_ids uuid [] not null,
    members access.membership [] not null,
    primary key (organization_id, team)
);

comment on table access.teams is
'One row per team: who is in it, and who was in it when, as the last build knew it.';

-- In PL/pgSQL, which keeps its plans over the queries of a session: policies ask these for every
-- relation of every query, and a function in SQL is planned each time. With a path of their own, or
-- who may create operators somewhere could lend them another meaning of `=`.
create function access.uuid_setting(name text) returns uuid
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $uuid_setting$
begin
    return case
        when
            current_setting(name, true)
            ~ '^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$'
            then cast(current_setting(name, true) as uuid)
    end;
end
$uuid_setting$;

comment on function access.uuid_setting(text) is
'A setting as a uuid; NULL when it is unset or anything else, because an error would tell something.';

create function access.current_organization() returns uuid
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $current_organization$
declare
    wanted constant uuid := access.uuid_setting('app.current_organization');
begin
    return (
        select wanted
        where
            exists (
                select 1
                from access.logins
                where
                    logins.login = session_user
                    and coalesce(logins.organization_id, wanted) = wanted
            )
    );
end
$current_organization$;

comment on function access.current_organization() is
'The organization in app.current_organization if this login may speak for it, else NULL.';

create function access.current_user_id() returns uuid
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $current_user_id$
declare
    wanted_organization constant uuid := access.uuid_setting('app.current_organization');
    wanted_user constant uuid := access.uuid_setting('app.current_user');
begin
    return (
        select wanted_user
        where
            exists (
                select 1
                from access.logins
                where
                    logins.login = session_user
                    and coalesce(logins.organization_id, wanted_organization) = wanted_organization
                    and coalesce(logins.user_id, wanted_user) = wanted_user
            )
    );
end
$current_user_id$;

comment on function access.current_user_id() is
'The user in app.current_user if this login may speak for that user of that organization, else NULL.';

create function access.listed_organizations() returns uuid []
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $listed_organizations$
declare
    said constant text := coalesce(current_setting('app.current_organization', true), '');
begin
    if said <> '' then
        return array[access.current_organization()];
    end if;
    return array(
        select logins.organization_id
        from access.logins
        where logins.login = session_user and logins.user_id is null
    );
end
$listed_organizations$;

comment on function access.listed_organizations() is
'The organizations of this login, or that one of them which app.current_organization names.';

create function access.current_team() returns access.teams
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $current_team$
declare
    team access.teams;
begin
    select teams.*
    into team
    from access.teams
    where
        teams.organization_id = access.current_organization()
        and access.current_user_id() = any (teams.user_ids);
    return team;
end
$current_team$;

comment on function access.current_team() is
'The team of the current user, NULL without one.';

create function access.reads_every_organization() returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $reads_every_organization$
begin
    return (
        select
            -- Who owns the warehouse, or may become who does.
            pg_has_role(relations.relowner, 'usage')
            or exists (
                select 1
                from pg_catalog.pg_roles as roles
                where
                    roles.rolname in ('builder', 'privacy_officer')
                    and pg_has_role(roles.oid, 'usage')
            )
            or coalesce(current_setting('app.current_organization', true), '') = ''
            and exists (
                select 1
                from access.logins
                where logins.login = session_user and logins.organization_id is null
            )
            and exists (
                select 1
                from pg_catalog.pg_roles as roles
                where
                    roles.rolname in ('analyst', 'bi_reader', 'support')
                    and pg_has_role(roles.oid, 'usage')
            )
        from pg_catalog.pg_class as relations
        where relations.oid = cast('access.logins' as regclass)
    );
end
$reads_every_organization$;

comment on function access.reads_every_organization() is
'Whether who asks may read the rows of every organization, and so those that add several up.';

-- Which rows of a relation each role may read: a role and its condition; no role that may not ask.
-- The columns decide, and `readers` where they do not:
--   members    rows of an organization that everybody in it may read, such as its time zone
--   everyone   rows that are of no organization for everybody, the others for their members
--   operators  rows that add up organizations, for whoever may read every one of them
--   people     rows about a person whose key is `id`
--   support    rows that tell of groups of people and of nobody in them
-- Who leads a team sees what people did while they were in it, so that it adds up to what it did.
create function access.conditions_of(relation regclass, readers text, organization_column text)
returns jsonb
language plpgsql stable
as $conditions$
declare
    was_in_team constant text
    := 'exists (select 1 from unnest((select (access.current_team()).members)) as members where %s)';
    organization text;
    data_type text;
    has_user boolean;
    has_team boolean;
    has_mates boolean;
    has_days boolean;
    is_view boolean;
    is_inner boolean;
    is_partition boolean;
    is_current text;
    is_listed text;
    is_unowned text;
begin
    select
        (array_agg(quote_ident(attname) order by attname) filter (where is_organization))[1],
        (array_agg(format_type(atttypid, null) order by attname) filter (where is_organization))[1],
        bool_or(attname = 'user_id'),
        bool_or(attname = 'team'),
        bool_or(attname = 'user_ids'),
        bool_or(attname = 'metric_date'),
        bool_or(relkind = 'v'),
        bool_or(nspname ~ '(^|_)(staging|intermediate)$' or nspname = 'raw'),
        bool_or(relispartition)
    into organization, data_type, has_user, has_team, has_mates, has_days, is_view, is_inner, is_partition
    from pg_catalog.pg_class as relations
    inner join pg_catalog.pg_namespace as namespaces on relations.relnamespace = namespaces.oid
    inner join pg_catalog.pg_attribute as columns
        on relations.oid = columns.attrelid and columns.attnum > 0 and not columns.attisdropped
    cross join
        lateral (
            select attname in ('organization_id', 'organization_scope', organization_column)
        ) as names (is_organization)
    where relations.oid = relation;

    -- A partition is asked through its table, whose conditions hold then.
    if is_partition then
        return '{}';
    end if;

    -- What a view shows is decided by the tables that it reads. Of those that people can name, only
    -- the ones that tell of single people are for whoever sees only some of them: sums would be wrong.
    if organization is null or is_view and is_inner then
        return case
            when readers = 'everyone' or is_view then jsonb_build_object(
                'org_admin', 'true', 'team_lead', 'true', 'developer', 'true',
                'analyst', 'true', 'bi_reader', 'true', 'support', 'true'
            )
            when readers = 'operators' then jsonb_build_object(
                'org_admin', 'false', 'team_lead', 'false', 'developer', 'false',
                'analyst', '(select access.reads_every_organization())',
                'bi_reader', '(select access.reads_every_organization())',
                'support', '(select access.reads_every_organization())'
            )
            else '{}'
        end;
    end if;

    is_current := format(
        '%s = cast((select access.current_organization()) as %s)', organization, data_type
    );
    is_listed := format(
        '(%s = any (cast((select access.listed_organizations()) as %s [])) '
        'or (select access.reads_every_organization()))',
        organization, data_type
    );
    if readers in ('everyone', 'members') then
        is_unowned := case
            when readers = 'members' then 'false'
            when data_type = 'text' then organization || ' = ''*'''
            else organization || ' is null'
        end;
        return jsonb_build_object(
            'org_admin', is_unowned || ' or ' || is_current,
            'team_lead', is_unowned || ' or ' || is_current,
            'developer', is_unowned || ' or ' || is_current,
            'analyst', is_unowned || ' or ' || is_listed,
            'bi_reader', is_unowned || ' or ' || is_listed,
            'support', is_unowned
        );
    end if;

    return jsonb_strip_nulls(jsonb_build_object(
        'org_admin', is_current,
        'analyst', is_listed,
        'bi_reader', is_listed,
        'support', case when readers = 'support' then is_listed end,
        'team_lead', is_current || case
            when has_mates then ' and (select access.current_user_id()) = any (user_ids)'
            when readers = 'people' then ' and ' || format(was_in_team, 'member_id = id')
            when has_user then ' and ' || format(
                was_in_team,
                'member_id = user_id' || case
                    when has_days then
                        ' and member_from <= metric_date and coalesce(member_until > metric_date, true)'
                    else ''
                end
            )
            when has_team then ' and team = (select (access.current_team()).team)'
        end,
        'developer', is_current || case
            when readers = 'people' then ' and id = (select access.current_user_id())'
            when has_user then ' and user_id = (select access.current_user_id())'
        end
    ));
end
$conditions$;

comment on function access.conditions_of(regclass, text, text) is
'Which rows of a relation each role may read.';

create function access.protect(
    relation regclass,
    readers text default '',
    because text default '',
    organization_column text default 'organization_id'
) returns void
language plpgsql
as $protect$
declare
    roles constant name [] := array(
        select rolname
        from pg_catalog.pg_roles
        where
            rolname in (
                'org_admin', 'team_lead', 'developer', 'support', 'analyst', 'bi_reader', 'loader',
                'builder', 'privacy_officer'
            )
        order by rolname
    );
    rights jsonb;
    target record;
    role_right record;
    policy name;
    version jsonb;
begin
    if readers not in ('', 'members', 'everyone', 'operators', 'people', 'support') then
        raise exception 'readers of % cannot be %', relation, readers
        using hint = 'Leave it out, or say members, everyone, operators, people or support.';
    end if;
    if readers in ('everyone', 'operators') and because = '' then
        raise exception 'why not only members read % is not said', relation;
    end if;

    select
        namespaces.nspname as schema_name,
        relations.relname as name,
        relations.relkind = 'v' as is_view,
        pg_get_userbyid(relations.relowner) as owner,
        coalesce('security_invoker=true' = any (relations.reloptions), false) as is_invoker,
        array(
            select distinct pg_get_userbyid(grantee)
            from aclexplode(relations.relacl)
            where privilege_type = 'SELECT' and pg_get_userbyid(grantee) = any (roles)
            order by pg_get_userbyid(grantee)
        ) as granted
    into target
    from pg_catalog.pg_class as relations
    inner join pg_catalog.pg_namespace as namespaces on relations.relnamespace = namespaces.oid
    where relations.oid = relation;

    select jsonb_agg(jsonb_build_object(
        'role', wanted.role, 'command', wanted.command, 'condition', wanted.condition
    ))
    into rights
    from (
        select key as role, 'select' as command, value as condition
        from jsonb_each_text(access.conditions_of(relation, readers, organization_column))
        union all
        select 'builder', commands.command, 'true'
        from
            unnest(
                -- Of what landed it takes away what has been archived, and changes nothing.
                case when target.schema_name = 'raw' then array['select', 'delete'] else array['all'] end
            ) as commands (command)
        union all
        select 'privacy_officer', 'all', 'true'
        union all
        select 'loader', 'insert', 'true'
        where target.schema_name = 'raw' or target.name = 'landed_totals'
        union all
        -- Which files have landed; else what its own transaction has written, to add it up and to
        -- leave out what tells who was erased.
        select
            'loader',
            commands.command,
            case
                when target.name in ('alembic_version', 'loads') then 'true'
                else 'xmin = cast(pg_current_xact_id() as xid)'
            end
        from unnest(array['select', 'update']) as commands (command)
        where
            target.schema_name = 'raw'
            and (commands.command = 'select' or target.name in ('loads', 'routing_decisions'))
        union all
        -- Whoever was erased must not come back with what lands.
        select 'loader', 'select', 'true'
        where target.schema_name = 'ledger' and target.name = 'erasures'
    ) as wanted
    where
        wanted.role = any (roles)
        and (not target.is_view or wanted.command in ('select', 'all'));
    version := jsonb_build_object(
        'readers', readers,
        'because', because,
        'organization_column', organization_column,
        'owner', target.owner,
        'rights', coalesce(rights, '[]')
    );
    -- What stands is left alone: every build asks, and to change rights locks readers out.
    if
        version = (
            select cast(obj_description(oid, 'pg_policy') as jsonb)
            from pg_catalog.pg_policy
            where polrelid = relation and polname = 'owner'
        )
        or target.is_view and target.is_invoker and target.granted = array(
            select cast(wanted.role as name)
            from jsonb_to_recordset(rights) as wanted (role text)
            order by wanted.role
        )
    then
        return;
    end if;

    if target.is_view then
        -- New rights wait for nobody who reads the view; this does.
        if not target.is_invoker then
            execute format('alter view %s set (security_invoker = true)', relation);
        end if;
    else
        execute format('alter table %s enable row level security', relation);
        execute format('alter table %s force row level security', relation);
        for policy in select polname from pg_catalog.pg_policy where polrelid = relation
        loop
            execute format('drop policy %I on %s', policy, relation);
        end loop;
        execute format('create policy owner on %s to %I using (true)', relation, target.owner);
        execute format('comment on policy owner on %s is %L', relation, version);
    end if;
    if cardinality(roles) > 0 then
        execute format(
            'revoke all on %s from %s',
            relation, (select string_agg(quote_ident(role), ', ') from unnest(roles) as known (role))
        );
    end if;
    for role_right in
        select * from jsonb_to_recordset(rights) as wanted (role name, command text, condition text)
    loop
        execute format(
            'grant %s on %s to %I',
            case
                when role_right.command <> 'all' then role_right.command
                when target.is_view then 'select'
                else 'select, insert, update, delete'
            end,
            relation,
            role_right.role
        );
        if not target.is_view then
            execute format(
                'create policy %I on %s for %s to %I %s (%s) %s',
                role_right.role || '_' || role_right.command,
                relation,
                role_right.command,
                role_right.role,
                case when role_right.command = 'insert' then 'with check' else 'using' end,
                role_right.condition,
                case when role_right.command = 'update' then 'with check (true)' else '' end
            );
        end if;
    end loop;
end
$protect$;

comment on function access.protect(regclass, text, text, text) is
'Switches row-level security on and makes the policies and rights of every role that exists.';

-- Rights on schemas: whoever reads names what stands in the marts; below them only views do, on behalf
-- of who asks them.
create function access.open_schemas() returns void
language plpgsql
as $open_schemas$
declare
    wanted record;
begin
    for wanted in
        select
            namespaces.nspname as schema_name,
            roles.rolname as role
        from pg_catalog.pg_namespace as namespaces
        cross join pg_catalog.pg_roles as roles
        where
            pg_has_role(namespaces.nspowner, 'usage')
            and not has_schema_privilege(roles.oid, namespaces.oid, 'usage')
            and case
                when namespaces.nspname ~ '(^|_)(marts|documents)$' then roles.rolname in (
                    'org_admin', 'team_lead', 'developer', 'support', 'analyst', 'bi_reader',
                    'builder', 'privacy_officer'
                )
                when namespaces.nspname ~ '(^|_)(quality|reference|snapshots)$' then
                    roles.rolname in ('analyst', 'builder', 'privacy_officer')
                when namespaces.nspname in ('raw', 'ledger') then
                    roles.rolname in ('loader', 'builder', 'privacy_officer')
                when namespaces.nspname ~ '(^|_)(staging|intermediate)$' then
                    roles.rolname in ('builder', 'privacy_officer')
            end
    loop
        execute format('grant usage on schema %I to %I', wanted.schema_name, wanted.role);
    end loop;
end
$open_schemas$;

comment on function access.open_schemas() is
'Lets every role that exists name the relations of the schemas that are for it.';

create function access.protect_again() returns void
language plpgsql
as $protect_again$
declare
    standing record;
begin
    -- What belongs to a builder the builder's next run takes care of.
    for standing in
        select
            relations.oid as relation,
            cast(obj_description(policies.oid, 'pg_policy') as jsonb) as said
        from pg_catalog.pg_class as relations
        left join pg_catalog.pg_policy as policies
            on relations.oid = policies.polrelid and policies.polname = 'owner'
        where
            pg_has_role(relations.relowner, 'usage')
            and (
                obj_description(policies.oid, 'pg_policy') is not null
                or relations.relkind = 'v' and 'security_invoker=true' = any (relations.reloptions)
            )
    loop
        perform access.protect(
            standing.relation,
            coalesce(standing.said ->> 'readers', ''),
            coalesce(standing.said ->> 'because', ''),
            coalesce(standing.said ->> 'organization_column', 'organization_id')
        );
    end loop;
    perform access.open_schemas();
end
$protect_again$;

comment on function access.protect_again() is
'Renews the policies and rights of all that is protected, for roles that were created since.';

grant usage on schema access to public;
alter table access.logins enable row level security;
alter table access.logins force row level security;
create policy own_login on access.logins for select to public using (login = session_user);
grant select on access.logins to public;

do $owner$
begin
    execute format('create policy owner on access.logins to %I using (true)', current_user);
end
$owner$;

-- What dbt builds is protected by dbt, when it creates it.
do $protect$
declare
    relation regclass;
begin
    perform access.protect('raw.organizations', 'members', organization_column => 'id');
    perform access.protect('raw.users', 'people');
    perform access.protect('ledger.sealed_organizations', 'members');
    perform access.protect(
        'raw.alembic_version', 'everyone', 'Every program asks at which revision the database is.'
    );
    perform access.protect(
        'raw.loads', 'everyone', 'Live views ask which loads have not been built, and nothing else of them.'
    );
    perform access.protect(
        'ledger.finished_builds', 'everyone', 'Alerts are as old as the last build.'
    );
    perform access.protect(
        'quality.check_results', 'operators', 'What checks found concerns whoever runs the warehouse.'
    );
    for relation in
        select relations.oid
        from pg_catalog.pg_class as relations
        where
            relations.relnamespace in (
                cast('raw' as regnamespace), cast('ledger' as regnamespace),
                cast('quality' as regnamespace), cast('access' as regnamespace)
            )
            and relations.relkind in ('r', 'p', 'v')
            and not relations.relrowsecurity
    loop
        perform access.protect(relation);
    end loop;
    perform access.open_schemas();
end
$protect$;
