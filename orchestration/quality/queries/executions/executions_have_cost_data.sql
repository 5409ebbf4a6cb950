select organization_id from {batch}
where status = 'completed'
group by organization_id
having
    count(*) >= (select rate_min_tasks from intermediate.int_quality_limits)
    and 100 * count(cost_usd) < count(*) * (select cost_coverage_warn_percentage from intermediate.int_quality_limits)
