select
    measured_execution_id,
    measured_metric_date,
    predicted_baseline_cost_usd,
    estimated_baseline_cost_usd,
    measured_baseline_cost_usd,
    estimated_savings_usd,
    measured_savings_usd,
    estimate_error_usd,
    bias_percentage
from marts.fct_measured_savings
where execution_id = %(id)s
