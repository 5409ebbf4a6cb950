select
    cause,
    matching_price_from,
    reported_factor,
    factor_costs
from marts.cost_discrepancies
where execution_id = %(id)s
