-- A notification is delivered when its transaction commits: whoever hears of a load can read it.

create function ledger.notify_landed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $notify_landed$
begin
    -- One for each organization, unless there are so many that whoever listens looks at all.
    if (select count(distinct organization_id) > 1000 from new_totals) then
        perform pg_notify('warehouse', 'landed');
    else
        perform pg_notify('warehouse', 'landed ' || organization_id)
        from (select distinct organization_id from new_totals) as organizations
        where organization_id is not null;
    end if;
    return null;
end
$notify_landed$;

create function ledger.notify_built() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $notify_built$
begin
    perform pg_notify('warehouse', 'built');
    return null;
end
$notify_built$;

comment on function ledger.notify_landed() is
'Says on channel warehouse of which organizations something has landed: `landed` and its id, `landed` for any.';
comment on function ledger.notify_built() is
'Says on channel warehouse that a run of dbt has ended: `built`.';

create trigger notify_landed after insert on ledger.landed_totals
referencing new table as new_totals
for each statement execute function ledger.notify_landed();

create trigger notify_built after insert on ledger.finished_builds
for each statement execute function ledger.notify_built();

create function access.may_speak_for(organization uuid, app_user uuid) returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $may_speak_for$
begin
    return exists (
        select 1
        from access.logins
        where
            logins.login = session_user
            and (logins.organization_id is null or logins.organization_id = organization)
            and (logins.user_id is null or logins.user_id = app_user)
    );
end
$may_speak_for$;

comment on function access.may_speak_for(uuid, uuid) is
'Whether this login may speak for a user of an organization; NULL: for all of its users, for all organizations.';

create or replace function audit.protect() returns void
language plpgsql
as $protect$
declare
    may_record record;
begin
    perform access.protect('audit.audit_log');
    -- Everybody adds, of themselves; when and who is not theirs to say.
    grant usage on schema audit to public;
    grant insert (
        action, resource_type, resource_id, organization_id, user_id, is_denied, details, ip_address, user_agent
    ) on audit.audit_log to public;
    for may_record in
        select
            wanted.grantee,
            wanted.policy,
            wanted.condition
        from (
            values
            (
                'public',
                'everybody_insert',
                '(organization_id is null or organization_id = (select access.current_organization()) '
                'or organization_id = any (cast((select access.listed_organizations()) as uuid [])) '
                'or (select access.reads_every_organization())) '
                'and (user_id is null or user_id = (select access.current_user_id())) '
                'or access.may_speak_for(organization_id, user_id)'
            ),
            ('builder', 'builder_insert', 'true'),
            ('privacy_officer', 'privacy_officer_insert', 'true')
        ) as wanted (grantee, policy, condition)
        where wanted.grantee = 'public' or wanted.grantee in (select rolname from pg_catalog.pg_roles)
    loop
        execute format('drop policy if exists %I on audit.audit_log', may_record.policy);
        execute format(
            'create policy %I on audit.audit_log for insert to %s with check (login = session_user and (%s))',
            may_record.policy, may_record.grantee, may_record.condition
        );
        -- What they may with what else there is, they may not here.
        if may_record.grantee <> 'public' then
            execute format('drop policy if exists %I on audit.audit_log', may_record.grantee || '_all');
            execute format('revoke all on audit.audit_log from %I', may_record.grantee);
        end if;
    end loop;
    if exists (select 1 from pg_catalog.pg_roles where rolname = 'privacy_officer') then
        create policy privacy_officer_all on audit.audit_log for select to privacy_officer using (true);
        grant select on audit.audit_log to privacy_officer;
    end if;
end
$protect$;

select audit.protect();

-- Who asked to be erased. The application may ask and never erase; an erasure replaces the id here as
-- in every table.
create table ledger.erasure_requests (
    request_id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    user_id uuid not null,
    requested_at timestamptz not null default clock_timestamp(),
    requested_by name not null default session_user,
    carry_out_by date not null default cast(now() at time zone 'UTC' + interval '30 days' as date),
    carried_out_at timestamptz
);

create unique index erasure_requests_wait_once
on ledger.erasure_requests (organization_id, user_id) where carried_out_at is null;

comment on table ledger.erasure_requests is
'One row per request to erase a person, which `warehouse retention` carries out.';
comment on column ledger.erasure_requests.user_id is
'The person, a pseudonym once erased.';
comment on column ledger.erasure_requests.carry_out_by is
'The day, in UTC, until which it is to be carried out.';
comment on column ledger.erasure_requests.carried_out_at is 'NULL while it waits.';

create function ledger.protect_erasure_requests() returns void
language plpgsql
as $protect$
declare
    may_ask record;
begin
    perform access.protect('ledger.erasure_requests');
    for may_ask in
        select
            wanted.role,
            wanted.condition
        from (
            values
            ('org_admin', 'true'),
            ('developer', 'user_id = (select access.current_user_id())')
        ) as wanted (role, condition)
        where wanted.role in (select rolname from pg_catalog.pg_roles)
    loop
        execute format('grant usage on schema ledger to %I', may_ask.role);
        execute format(
            'grant insert (organization_id, user_id) on ledger.erasure_requests to %I', may_ask.role
        );
        execute format(
            'drop policy if exists %I on ledger.erasure_requests', may_ask.role || '_insert'
        );
        execute format(
            'create policy %I on ledger.erasure_requests for insert to %I with check '
            '(organization_id = (select access.current_organization()) and %s)',
            may_ask.role || '_insert', may_ask.role, may_ask.condition
        );
    end loop;
end
$protect$;

comment on function ledger.protect_erasure_requests() is
'Makes the policies and rights of all roles on ledger.erasure_requests: who may ask, and for whom.';

select ledger.protect_erasure_requests();
