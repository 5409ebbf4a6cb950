-- A page of corrections.
with page as (

    {{ corrections_page }}

)

select
    correction_id,
    execution_id,
    metric_date,
    corrected_at,
    invocation_id,
    reason,
    old_cost_usd,
    new_cost_usd,
    cost_delta_usd,
    old_baseline_cost_usd,
    new_baseline_cost_usd,
    baseline_cost_delta_usd,
    old_savings_usd,
    new_savings_usd,
    savings_delta_usd,
    old_pricing_status,
    new_pricing_status,
    old_price_id,
    new_price_id,
    old_baseline_price_id,
    new_baseline_price_id
from page
order by corrected_at desc, correction_id desc
limit %(row_count)s
