-- The rows of the usage prices that an execution has parts from.
select
    usage_price_id,
    provider,
    model,
    usage,
    service_tier,
    organization_id,
    context_over_tokens,
    cast(usd_per_mtok as text) as usd_per_mtok,
    cast(usd_per_unit as text) as usd_per_unit,
    effective_from,
    effective_until,
    recorded_at,
    source
from marts.dim_usage_prices
where
    usage_price_id in (
        select parts.part ->> 'usage_price_id'
        from marts.fct_task_executions as executions
        cross join lateral jsonb_array_elements(executions.other_costs) as parts (part)
        where
            executions.organization_id = %(organization_id)s
            and executions.execution_id = %(execution_id)s
    )
order by usage
