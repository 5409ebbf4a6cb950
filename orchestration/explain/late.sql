-- What arrived about an execution after its day was sealed, oldest first.
select
    changed_at as corrected_at,
    invocation_id,
    metric_date,
    is_new as is_new_execution,
    event_id,
    updated_at,
    old_pricing_status,
    new_pricing_status,
    old_cost_usd,
    new_cost_usd,
    coalesce(new_cost_usd, 0) - coalesce(old_cost_usd, 0) as spend_delta_usd
from intermediate.int_late_changes
where execution_id = %(id)s
order by changed_at, updated_at, event_id
