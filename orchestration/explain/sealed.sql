-- What was counted of an execution on a sealed day, whose details may have left.
select
    metric_date,
    event_id,
    updated_at,
    pricing_status,
    cost_usd
from ledger.sealed_executions
where execution_id = %(id)s
