select organization_id from {batch}
group by organization_id
having
    sum(successful_tasks + failed_tasks) >= (select rate_min_tasks from intermediate.int_quality_limits)
    and 100 * sum(failed_tasks)
    > sum(successful_tasks + failed_tasks) * (select failed_tasks_critical_percentage from intermediate.int_quality_limits)
