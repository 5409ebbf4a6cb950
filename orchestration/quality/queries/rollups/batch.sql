select
    organization_id,
    metric_date,
    total_tasks,
    successful_tasks,
    failed_tasks,
    unpriced_tasks,
    compared_tasks,
    compared_cost_usd,
    total_baseline_cost_usd,
    total_savings_usd,
    savings_percentage,
    active_developers,
    total_developers
from marts.organization_days
