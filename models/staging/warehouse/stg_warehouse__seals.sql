-- Grain: one row per sealing.

select
    seal_id,
    sealed_before,
    organization_count,
    execution_count,
    sealed_at
from {{ source('ledger', 'seals') }}
where {{ known_as_of('sealed_at') }}
