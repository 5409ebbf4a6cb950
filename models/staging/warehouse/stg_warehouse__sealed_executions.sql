-- Grain: one row per execution of a sealed day.

select
    execution_id,
    organization_id,
    metric_date,
    event_id,
    updated_at,
    status,
    total_tokens,
    pricing_status,
    cost_usd,
    baseline_cost_usd,
    savings_usd,
    net_savings_usd,
    sealed_at
from {{ source('ledger', 'sealed_executions') }}
where {{ known_as_of('sealed_at') }} and {{ of_tenant() }}
