-- The row of the price book that an execution's baseline comes from.
select
    prices.price_id,
    prices.provider,
    prices.model,
    prices.task_type,
    prices.service_tier,
    prices.organization_id,
    prices.context_over_tokens,
    cast(prices.input_usd_per_mtok as text) as input_usd_per_mtok,
    cast(prices.cached_input_usd_per_mtok as text) as cached_input_usd_per_mtok,
    cast(prices.cache_write_usd_per_mtok as text) as cache_write_usd_per_mtok,
    cast(prices.output_usd_per_mtok as text) as output_usd_per_mtok,
    cast(prices.usd_per_request as text) as usd_per_request,
    cast(prices.usd_per_minute as text) as usd_per_minute,
    cast(prices.usd_per_compute_unit as text) as usd_per_compute_unit,
    prices.effective_from,
    prices.effective_until,
    prices.recorded_at,
    prices.source
from marts.dim_prices as prices
inner join marts.fct_task_executions as executions on prices.price_id = executions.baseline_price_id
where
    executions.organization_id = %(organization_id)s
    and executions.execution_id = %(execution_id)s
