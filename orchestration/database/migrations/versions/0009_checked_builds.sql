-- Builds have numbers now: of each suite the last one of which it has looked at what changed. A suite
-- that has none looks at everything once.
drop table quality.checked_builds;

create table quality.checked_builds (
    suite text primary key,
    build_id bigint not null,
    checked_at timestamptz not null default clock_timestamp()
);

comment on table quality.checked_builds is
'One row per suite: the last build of the facts of which it has looked at what changed.';
