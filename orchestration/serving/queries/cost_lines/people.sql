-- The parts that an execution's cost is made of; rates are for who sees the organization.
select
    lines.part,
    cast(null as text) as quantity,
    cast(null as text) as unit,
    cast(null as text) as usd_per_unit,
    lines.cost_usd,
    executions.price_id
from marts.fct_task_executions as executions
cross join
    lateral (
        values
        ('cache_write', executions.cache_write_cost_usd),
        ('cached_input', executions.cached_input_cost_usd),
        ('compute_unit', executions.compute_unit_cost_usd),
        ('minute', executions.minute_cost_usd),
        ('other', executions.other_cost_usd),
        ('output', executions.output_cost_usd),
        ('request', executions.request_cost_usd),
        ('uncached_input', executions.uncached_input_cost_usd)
    ) as lines (part, cost_usd)
where
    executions.organization_id = %(organization_id)s
    and executions.execution_id = %(execution_id)s
    and lines.cost_usd > 0
order by lines.part
