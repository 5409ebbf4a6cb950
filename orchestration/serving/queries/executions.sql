-- A page of executions.
with page as (

    {{ executions_page }}

)

select
    execution_id,
    task_id,
    task_type,
    user_id,
    provider,
    model,
    service_tier,
    region,
    status,
    is_timed_out,
    error_code,
    start_time,
    end_time,
    duration_ms,
    metric_date,
    input_tokens,
    output_tokens,
    total_tokens,
    quality_score,
    pricing_status,
    price_id,
    cost_usd,
    baseline_provider,
    baseline_model,
    baseline_pricing_status,
    baseline_cost_usd,
    savings_status,
    savings_usd,
    routing_decision_id,
    updated_at
from page
order by start_time desc, execution_id desc
limit %(row_count)s
