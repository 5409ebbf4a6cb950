select
    days.comparison,
    days.organization_id,
    days.provider,
    days.metric_date,
    days.usd_difference,
    (
        -- The first ones; `quality.unreconciled_executions` lists all of them with their amounts.
        select string_agg(cast(named.execution_id as text), ', ' order by named.execution_id)
        from (
            select distinct blamed.execution_id
            from quality.unreconciled_executions as blamed
            where
                blamed.organization_id = days.organization_id
                and blamed.metric_date = days.metric_date
            order by blamed.execution_id
            limit 5
        ) as named
    ) as execution_ids
from (
    select comparison, organization_id, provider, metric_date, usd_difference
    from {batch}
    where status = 'different'
) as days
