-- Whose turn it is to build. dbt keeps no connection over a build, so no lock can tell.

create table raw.running_builds (
    target_schema text primary key,
    invocation_id text not null,
    started_at timestamptz not null default clock_timestamp()
);

comment on table raw.running_builds is
'One row per default schema in which dbt builds now, or did when it was killed.';
