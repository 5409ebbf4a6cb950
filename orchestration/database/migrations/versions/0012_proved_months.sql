-- Proofs of sealed months. All append-only, but for `row_digests` of people, which an erasure
-- empties. `warehouse retention` writes these tables, `warehouse verify` reads them.

create table ledger.day_digests (
    digest_id bigint generated always as identity primary key,
    organization_id uuid not null,
    metric_date date not null,
    strand text not null check (strand in ('figures', 'people')),
    relation text not null,
    columns text[] not null,
    price_ids text[],
    row_count bigint not null check (row_count > 0),
    row_digests bytea,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    made_at timestamptz not null
);

-- Hashes do not get smaller; left as they are, one of them is read without the others.
alter table ledger.day_digests alter column row_digests set storage external;

create index on ledger.day_digests (organization_id, metric_date);

comment on table ledger.day_digests is
'One row per organization, sealed day, relation and strand: a SHA-256 of each of its rows, and one over them. An erasure adds a further one of people.';

create table ledger.month_links (
    link_id bigint generated always as identity primary key,
    organization_id uuid not null,
    strand text not null check (strand in ('figures', 'people')),
    month date not null check (extract(day from month) = 1),
    last_digest_id bigint not null,
    reason text,
    previous_sha256 text,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    made_at timestamptz not null,
    unique nulls not distinct (organization_id, strand, previous_sha256)
);

comment on table ledger.month_links is
'One row per organization, sealed month and strand: a SHA-256 over the digests of its days and the link before it. An erasure adds a further one of people.';

create table ledger.removed_details (
    organization_id uuid not null,
    metric_date date not null,
    relation text not null,
    row_count bigint not null check (row_count > 0),
    removed_at timestamptz not null default clock_timestamp()
);

create index on ledger.removed_details (organization_id, metric_date);

comment on table ledger.removed_details is
'One row per retention, organization, sealed day and relation: how many of its rows left the marts.';

select access.protect('ledger.day_digests');
select access.protect('ledger.month_links');
select access.protect('ledger.removed_details');
