-- Up to where a source that is asked for more was read. What came before has landed: both are one transaction.

create table ledger.source_positions (
    source text not null,
    part text not null,
    position jsonb not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (source, part)
);

comment on table ledger.source_positions is
'One row per part of a source: where the next import goes on.';
comment on column ledger.source_positions.part is
'What is read by itself, such as one database or one list of pages.';
comment on column ledger.source_positions.position is
'In the terms of the source.';
comment on column ledger.source_positions.updated_at is
'When something of it landed last, or was found to have landed.';

create function ledger.protect_source_positions() returns void
language plpgsql
as $protect$
declare
    command text;
begin
    perform access.protect('ledger.source_positions');
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'loader') then
        return;
    end if;
    grant usage on schema ledger to loader;
    -- Whoever lands moves the position; it tells nothing of what landed.
    grant select, insert, update on ledger.source_positions to loader;
    foreach command in array array['select', 'insert', 'update']
    loop
        execute format('drop policy if exists %I on ledger.source_positions', 'loader_' || command);
        execute format(
            'create policy %I on ledger.source_positions for %s to loader %s',
            'loader_' || command, command,
            case when command = 'insert' then 'with check (true)' else 'using (true)' end
        );
    end loop;
end
$protect$;

comment on function ledger.protect_source_positions() is
'Makes the policies and rights of all roles on ledger.source_positions.';

select ledger.protect_source_positions();
