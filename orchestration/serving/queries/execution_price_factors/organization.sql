-- The rows of the price factors that apply to an execution.
select
    price_factor_id,
    kind,
    provider,
    model,
    service_tier,
    region,
    organization_id,
    hours,
    cast(factor as text) as factor,
    effective_from,
    effective_until,
    recorded_at,
    source
from marts.dim_price_factors
where
    price_factor_id in (
        select factors.found ->> 'price_factor_id'
        from marts.fct_task_executions as executions
        cross join lateral jsonb_each(executions.price_factors) as factors (kind, found)
        where
            executions.organization_id = %(organization_id)s
            and executions.execution_id = %(execution_id)s
    )
order by kind
