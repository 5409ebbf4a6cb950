-- What can no longer change, and where the events behind it went. All append-only: `warehouse
-- retention` writes these tables, builds read them.

create table raw.seals (
    seal_id bigint generated always as identity primary key,
    sealed_before timestamptz not null,
    organization_count bigint not null default 0 check (organization_count >= 0),
    execution_count bigint not null default 0 check (execution_count >= 0),
    sealed_at timestamptz not null default clock_timestamp()
);

comment on table raw.seals is
'One row per sealing: everything that started before this moment is final.';

create table raw.sealed_organizations (
    organization_id uuid not null,
    sealed_until date not null,
    sealed_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, sealed_until)
);

comment on table raw.sealed_organizations is
'One row per sealing and organization: the first day, in its reporting time zone, that is not sealed.';

create table raw.sealed_executions (
    execution_id uuid primary key,
    organization_id uuid not null,
    metric_date date not null,
    event_id uuid not null,
    updated_at timestamptz not null,
    status text not null,
    total_tokens bigint,
    pricing_status text not null,
    cost_usd numeric(20, 12),
    baseline_cost_usd numeric(20, 12),
    savings_usd numeric(20, 12),
    net_savings_usd numeric(20, 12),
    sealed_at timestamptz not null default clock_timestamp()
);

comment on table raw.sealed_executions is
'One row per execution of a sealed day, as it was counted: which version, and its amounts.';

create table raw.archives (
    archive_id bigint generated always as identity primary key,
    table_name text not null,
    month date not null,
    file_name text not null,
    content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
    content_bytes bigint not null check (content_bytes >= 0),
    event_count bigint not null check (event_count >= 0),
    is_whole_month boolean not null,
    archived_at timestamptz not null default clock_timestamp()
);

comment on table raw.archives is
'One row per Parquet file of events that have left schema raw.';
