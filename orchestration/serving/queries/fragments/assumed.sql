select
    coalesce(%(monthly_tasks)s, measured.completed_tasks_per_month) as monthly_tasks,
    %(monthly_tasks)s is null as monthly_tasks_are_measured,
    %(developers)s as developers,
    round(%(hourly_rate_usd)s, 12) as hourly_rate_usd,
    coalesce(%(minutes_saved_per_task)s, %(hours_saved_per_task)s * 60)
        as minutes_saved_per_task,
    round(%(monthly_platform_cost_usd)s, 12) as monthly_platform_cost_usd,
    round(%(implementation_cost_usd)s, 12) as implementation_cost_usd
from measured
