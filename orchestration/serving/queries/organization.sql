-- Whom the answers are about. An organization of which nothing landed reports in UTC.
select
    organizations.organization_id,
    organizations.organization_name,
    coalesce(organizations.timezone, 'UTC') as time_zone,
    organizations.monthly_budget_usd
from (select 1) as one
left join marts.dim_organizations as organizations
    on organizations.organization_id = %(organization_id)s
