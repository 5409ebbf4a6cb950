select metric_date
from (
    select
        days.metric_date,
        days.tasks,
        (
            select avg(before.tasks)
            from (
                select sum(total_tasks) as tasks
                from marts.organization_days
                where
                    metric_date in (
                        days.metric_date - 7, days.metric_date - 14,
                        days.metric_date - 21, days.metric_date - 28
                    )
                group by metric_date
            ) as before
        ) as usual_tasks
    from (
        select metric_date, sum(total_tasks) as tasks
        from marts.organization_days
        where metric_date in (select metric_date from {batch})
        group by metric_date
    ) as days
) as volumes
where
    usual_tasks >= (select rate_min_tasks from intermediate.int_quality_limits)
    and 100 * abs(tasks - usual_tasks) > usual_tasks * (select volume_warn_percentage from intermediate.int_quality_limits)
