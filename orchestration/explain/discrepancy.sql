select
    cause,
    matching_price_from
from marts.cost_discrepancies
where execution_id = %(id)s
