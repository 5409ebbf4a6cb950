-- Whose present figures these are, and as of when.
select
    %(organization_id)s as organization_id,
    coalesce(organizations.timezone, 'UTC') as time_zone,
    freshness.last_landed_at,
    freshness.last_built_at
from marts.live_freshness as freshness
left join marts.dim_organizations as organizations
    on organizations.organization_id = %(organization_id)s
