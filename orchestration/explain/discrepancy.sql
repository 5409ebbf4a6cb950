-- With the organization, whose other costs are all that is looked at then.
select
    cause,
    matching_price_from,
    reported_factor,
    factor_costs
from marts.cost_discrepancies
where execution_id = %(id)s and organization_id = %(organization_id)s
