-- The price rows of an execution and its baseline, and every other row of the two providers.
select
    price_id,
    provider,
    model,
    task_type,
    service_tier,
    organization_id,
    context_over_tokens,
    input_usd_per_mtok,
    cached_input_usd_per_mtok,
    cache_write_usd_per_mtok,
    output_usd_per_mtok,
    usd_per_request,
    usd_per_minute,
    usd_per_compute_unit,
    effective_from,
    effective_until,
    recorded_at,
    source,
    notes
from marts.dim_prices
where
    provider in (%(provider)s, %(baseline_provider)s)
    or price_id in (%(price_id)s, %(baseline_price_id)s)
