-- Grain: one row per landed event; an organization has one event per version, and copies of them.

select
    event_id,
    id as organization_id,
    name as organization_name,
    tier,
    timezone,
    baseline_provider,
    baseline_model,
    cast(monthly_budget_usd as numeric(20, 12)) as monthly_budget_usd,
    updated_at,
    -- No source can know what is so after it was landed.
    least(
        updated_at,
        (
            select loads.landed_at
            from {{ source('warehouse', 'loads') }} as loads
            where loads.load_id = organizations._load_id
        )
    ) as believed_at,
    _load_id,
    _line_number
from {{ source('platform', 'organizations') }} as organizations
where {{ landed_as_of() }} and {{ of_tenant('id') }}
