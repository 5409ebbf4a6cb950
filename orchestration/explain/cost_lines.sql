select
    part,
    quantity,
    unit,
    usd_per_unit,
    cost_usd,
    price_id
from marts.fct_cost_lines
where execution_id = %(id)s
