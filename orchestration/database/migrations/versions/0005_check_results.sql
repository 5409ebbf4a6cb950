-- Schema quality: what `warehouse check` found, and which builds it has looked at.

create schema if not exists quality;

create table quality.check_results (
    check_id uuid not null,
    suite text not null,
    rule text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    is_full boolean not null,
    is_success boolean not null,
    broken_rows bigint not null check (broken_rows >= 0),
    broken_ids jsonb not null,
    limit_value numeric,
    query text not null,
    checked_at timestamptz not null default clock_timestamp(),
    primary key (check_id, rule),
    check (is_success = (broken_rows = 0))
);

comment on table quality.check_results is
'One row per run of a check and rule: how many rows broke it, the ids of the first of them, and how to find the others.';

create index check_results_checked_at on quality.check_results (checked_at);

create table quality.checked_builds (
    suite text not null,
    invocation_id text not null,
    checked_at timestamptz not null default clock_timestamp(),
    primary key (suite, invocation_id)
);

comment on table quality.checked_builds is
'One row per suite and build of which it has looked at what changed.';
