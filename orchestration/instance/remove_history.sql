-- What Dagster keeps beside the events of runs, and has no command to remove: results of its checks
-- that newer ones have followed, and backfills that have ended.
with results as (

    delete from dagster.asset_check_executions as results
    where
        results.create_timestamp < %(before)s
        and exists (
            select 1
            from dagster.asset_check_executions as newer
            where
                newer.asset_key = results.asset_key
                and newer.check_name = results.check_name
                and newer.id > results.id
        )

),

backfills as (

    delete from dagster.bulk_actions
    where
        timestamp < %(before)s
        and status in (
            'COMPLETED', 'COMPLETED_SUCCESS', 'COMPLETED_FAILED', 'FAILED', 'CANCELED'
        )
    returning key

)

delete from dagster.backfill_tags
where backfill_id in (select backfills.key from backfills)
