select
    organization_id,
    organization_name
from marts.dim_organizations
where cast(organization_id as text) = lower(%(organization)s) or organization_name = %(organization)s
order by organization_id
