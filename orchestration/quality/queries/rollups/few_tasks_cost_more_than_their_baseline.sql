select organization_id from {batch}
group by organization_id
having
    sum(successful_tasks + failed_tasks) >= (select rate_min_tasks from intermediate.int_quality_limits)
    and 100 * sum(negative_savings_tasks)
    > sum(compared_tasks) * (select negative_savings_warn_percentage from intermediate.int_quality_limits)
