-- The rows of the price factors that apply to an execution or its baseline.
select
    price_factor_id,
    kind,
    provider,
    model,
    service_tier,
    region,
    organization_id,
    hours,
    factor,
    effective_from,
    effective_until,
    recorded_at,
    source,
    notes
from marts.dim_price_factors
where price_factor_id = any(%(ids)s)
order by kind
