select
    provider,
    model,
    pricing_status,
    total_tasks,
    unpriced_tasks,
    total_spend_usd,
    total_cost_usd,
    total_baseline_cost_usd,
    total_savings_usd
from marts.model_usage
where
    organization_id = %(organization_id)s
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
    and provider = %(provider)s
    and model = %(model)s
