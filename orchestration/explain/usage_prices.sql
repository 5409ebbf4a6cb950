-- The rows of the usage prices that an execution or its baseline has parts from.
select
    usage_price_id,
    provider,
    model,
    usage,
    service_tier,
    organization_id,
    context_over_tokens,
    usd_per_mtok,
    usd_per_unit,
    effective_from,
    effective_until,
    recorded_at,
    source,
    notes
from marts.dim_usage_prices
where usage_price_id = any(%(ids)s)
order by usage
