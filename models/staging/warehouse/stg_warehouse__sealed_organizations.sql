-- Grain: one row per sealing and organization.

select
    organization_id,
    sealed_until,
    sealed_at
from {{ source('ledger', 'sealed_organizations') }}
where {{ known_as_of('sealed_at') }} and {{ of_tenant() }}
