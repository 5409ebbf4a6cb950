select organization_id from {batch}
where status in ('completed', 'failed') and pricing_status <> 'no_usage'
group by organization_id
having
    count(*) >= (select rate_min_tasks from intermediate.int_quality_limits)
    and 100 * count(*) filter (where cost_usd is null)
    > count(*) * (select unknown_cost_warn_percentage from intermediate.int_quality_limits)
