-- The parts that an execution's cost is made of.
select
    part,
    cast(quantity as text) as quantity,
    unit,
    cast(usd_per_unit as text) as usd_per_unit,
    cost_usd,
    price_id
from marts.fct_cost_lines
where
    organization_id = %(organization_id)s
    and execution_id = %(execution_id)s
order by part
