-- Who was erased: a hash that only the holder of the privacy key can compute, and what stands in
-- the place of the id. `pending` says what is still to be looked for in files.

create table ledger.erasures (
    erasure_id bigint generated always as identity primary key,
    request_id uuid not null,
    kind text not null check (kind in ('user', 'organization')),
    tombstone bytea not null unique,
    key_check bytea not null,
    pseudonym uuid not null unique,
    state text not null check (state in ('files', 'finished')),
    pending jsonb,
    requested_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    check ((state = 'finished') = (finished_at is not null)),
    check (state = 'files' or pending is null)
);

comment on table ledger.erasures is
'One row per erased person or organization: a keyed hash of its id, and its pseudonym.';

select access.protect('ledger.erasures');
