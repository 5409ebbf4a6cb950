-- How long builds took and how they ended; a build that was killed leaves no row.

create table raw.finished_builds (
    invocation_id text primary key,
    target_schema text not null,
    command text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null default clock_timestamp(),
    node_count integer not null check (node_count >= 0),
    failed_count integer not null check (failed_count between 0 and node_count)
);

comment on table raw.finished_builds is
'One row per run of dbt that came to its end: what it ran, and how many nodes failed.';

create index finished_builds_ended_at on raw.finished_builds (ended_at);
