-- Who did what to the data, and who tried. Rows are added and never changed: nobody but the owner has
-- a right to, and a trigger refuses the owner. A month is a partition, so that old ones can leave.

create schema audit;
comment on schema audit is 'Who did what to the data, and who tried.';

create table audit.audit_log (
    id uuid not null default gen_random_uuid(),
    action text not null check (action <> ''),
    login name not null default session_user,
    user_id uuid,
    organization_id uuid,
    resource_type text,
    resource_id text,
    is_denied boolean not null default false,
    details jsonb,
    ip_address inet,
    user_agent text,
    created_at timestamptz not null default clock_timestamp(),
    primary key (id, created_at)
) partition by range (created_at);

create index on audit.audit_log (organization_id, created_at);

comment on table audit.audit_log is
'One row per deed: reading through the API, exporting, explaining, erasing, changing roles, rebuilding, correcting prices, sealing, removing; and per attempt that was refused.';
comment on column audit.audit_log.action is
'What was done: view_analytics, export_data, delete_data, explain, change_roles, rebuild, correct_prices, seal, remove_data, end_organization, restore_organization, encrypt_prices, decrypt_prices; run_command where one was refused.';
comment on column audit.audit_log.login is 'The database login that did it.';
comment on column audit.audit_log.user_id is
'The user for whom the login spoke; NULL where it spoke for none.';
comment on column audit.audit_log.organization_id is
'The organization that it concerns; NULL where it concerns no single one.';
comment on column audit.audit_log.resource_type is 'What kind of thing it was done to.';
comment on column audit.audit_log.resource_id is 'Which one.';
comment on column audit.audit_log.is_denied is 'Whether it was refused.';
comment on column audit.audit_log.details is 'What else is worth knowing, by action.';
comment on column audit.audit_log.ip_address is
'Where it came from; NULL through a socket of the server''s own machine.';
comment on column audit.audit_log.user_agent is 'The program that did it.';

create function audit.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $refuse_change$
begin
    -- An erasure puts pseudonyms in the place of ids, and leaves what was done.
    if
        tg_op = 'UPDATE'
        and current_setting('app.is_erasing', true) = 'true'
        and (new.id, new.action, new.login, new.resource_type, new.is_denied, new.created_at)
        = (old.id, old.action, old.login, old.resource_type, old.is_denied, old.created_at)
    then
        return new;
    end if;
    raise exception 'audit.audit_log is only added to' using errcode = 'insufficient_privilege';
end
$refuse_change$;

create trigger refuse_change before update or delete on audit.audit_log
for each row execute function audit.refuse_change();
create trigger refuse_truncate before truncate on audit.audit_log
for each statement execute function audit.refuse_change();

-- Beside the others and attached, so that whoever writes is not waited for.
create function audit.make_months(months_ahead integer default 12) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $make_months$
declare
    first_day date;
    part text;
begin
    perform pg_advisory_xact_lock(hashtext('audit.make_months'));
    for number in 0..months_ahead
    loop
        first_day := date_trunc('month', now() at time zone 'UTC') + make_interval(months => number);
        part := to_char(first_day, '"audit_log_y"YYYY"m"MM');
        continue when to_regclass('audit.' || part) is not null;
        execute format('create table audit.%I (like audit.audit_log including all)', part);
        execute format(
            'alter table audit.audit_log attach partition audit.%I for values from (%L) to (%L)',
            part,
            first_day at time zone 'UTC',
            (first_day + interval '1 month') at time zone 'UTC'
        );
        execute format(
            'create trigger refuse_truncate before truncate on audit.%I '
            'for each statement execute function audit.refuse_change()',
            part
        );
        execute format('alter table audit.%I enable row level security', part);
        execute format('alter table audit.%I force row level security', part);
        execute format(
            'create policy owner on audit.%I to %I using (true)',
            part,
            (
                select pg_get_userbyid(relowner)
                from pg_class
                where oid = cast('audit.audit_log' as regclass)
            )
        );
    end loop;
end
$make_months$;

comment on function audit.make_months(integer) is
'Makes the partitions of this month and of those that follow, where they are missing; as the owner.';

create function audit.record(
    action text,
    resource_type text default null,
    resource_id text default null,
    organization_id uuid default null,
    user_id uuid default null,
    is_denied boolean default false,
    details jsonb default null,
    ip_address inet default null,
    user_agent text default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $record$
begin
    if
        to_regclass(
            to_char(now() at time zone 'UTC' + interval '1 month', '"audit.audit_log_y"YYYY"m"MM')
        ) is null
        and pg_has_role(
            (select relowner from pg_class where oid = cast('audit.audit_log' as regclass)), 'usage'
        )
    then
        perform audit.make_months();
    end if;
    insert into audit.audit_log (
        action, resource_type, resource_id, organization_id, user_id, is_denied, details, ip_address, user_agent
    )
    values (
        action,
        resource_type,
        resource_id,
        coalesce(organization_id, access.current_organization()),
        coalesce(user_id, access.current_user_id()),
        is_denied,
        details,
        coalesce(ip_address, inet_client_addr()),
        coalesce(user_agent, nullif(current_setting('application_name'), ''))
    );
end
$record$;

comment on function audit.record(text, text, text, uuid, uuid, boolean, jsonb, inet, text) is
'Records a deed, in the transaction of the deed, as who does it.';

create function audit.protect() returns void
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
                'and (user_id is null or user_id = (select access.current_user_id()))'
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

comment on function audit.protect() is
'Makes the policies and rights of every role that exists.';

select audit.make_months();
select audit.protect();
