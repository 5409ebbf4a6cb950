-- One row: when something landed last, how many loads wait, and the last build.
select
    (select max(landed_at) from raw.loads) as landed_at,
    (select count(*) from intermediate.int_arrived_loads) as waiting_loads,
    builds.ended_at,
    builds.node_count,
    builds.failed_count
from (select 1) as one
left join (
    select ended_at, node_count, failed_count
    from ledger.finished_builds
    where target_schema = 'public' and command = 'build'
    order by ended_at desc
    limit 1
) as builds on true
