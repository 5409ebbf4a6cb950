-- One row: the last complete build of the warehouse, and the last one in which nothing failed. What
-- an analyst builds in schemas with a prefix concerns nobody else.

with builds as (

    select *
    from ledger.finished_builds
    where target_schema = 'public' and command = 'build'

)

select
    (
        select extract(epoch from ended_at - started_at)
        from builds
        order by ended_at desc
        limit 1
    ) as last_seconds,
    (select failed_count from builds order by ended_at desc limit 1) as last_failed_count,
    (select extract(epoch from max(ended_at)) from builds where failed_count = 0)
        as last_success_at
