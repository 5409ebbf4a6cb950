-- What organizations are called, and when that may have changed last.
select
    organization_id as id,
    nullif(organization_alias, '') as name,
    updated_at at time zone 'UTC' as updated_at
from "LiteLLM_OrganizationTable"
