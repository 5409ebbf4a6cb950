-- Organizations that are to be removed on a day. An erasure replaces the id here as in every table:
-- a row that holds the pseudonym of an erased organization is one whose removal is done.

create table ledger.ended_organizations (
    ending_id bigint generated always as identity primary key,
    organization_id uuid not null,
    remove_on date not null,
    ended_at timestamptz not null default clock_timestamp(),
    ended_by name not null default session_user,
    restored_at timestamptz,
    restored_by name,
    check ((restored_at is null) = (restored_by is null))
);

create unique index ended_organizations_are_ended_once
on ledger.ended_organizations (organization_id) where restored_at is null;

comment on table ledger.ended_organizations is
'One row per time that an organization was ended: on which day it is removed, unless it was restored.';

select access.protect('ledger.ended_organizations');

alter table raw.rejected_events add column organization_id uuid;

comment on table raw.rejected_events is
'One row per line that did not meet the contract: where it stood, why and whose it was, never what else it said.';
comment on column raw.rejected_events.organization_id is
'The organization that the line named as its own; NULL where it named none that can be read.';

select access.protect('raw.rejected_events');
