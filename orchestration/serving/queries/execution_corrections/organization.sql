-- When the cost, the baseline or the savings of an execution were corrected, and why.
select
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
from marts.fct_cost_corrections
where
    organization_id = %(organization_id)s
    and execution_id = %(execution_id)s
order by corrected_at, correction_id
