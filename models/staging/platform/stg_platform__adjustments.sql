-- Grain: one row per landed event; an adjustment has one event per version, and copies of them.

select
    event_id,
    id as adjustment_id,
    organization_id,
    reason,
    cast(amount as numeric(28, 12)) as amount,
    currency,
    effective_at,
    updated_at,
    -- No source can know what is so after it was landed.
    least(
        updated_at,
        (
            select loads.landed_at
            from {{ source('platform', 'loads') }} as loads
            where loads.load_id = _load_id
        )
    ) as believed_at,
    provider,
    model,
    user_id,
    period_start,
    period_end,
    reference,
    _load_id,
    _line_number
from {{ source('platform', 'adjustments') }}
where {{ landed_as_of() }}
