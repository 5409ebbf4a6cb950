-- Grain: one row per landed event; an adjustment has one event per version, and copies of them.

with adjustments as (

    select * from {{ source('platform', 'adjustments') }}
    where {{ landed_as_of() }} and {{ of_tenant() }}

),

loads as (

    select * from {{ source('warehouse', 'loads') }}

),

final as (

    select
        adjustments.event_id,
        adjustments.id as adjustment_id,
        adjustments.organization_id,
        adjustments.reason,
        cast(adjustments.amount as numeric(28, 12)) as amount,
        adjustments.currency,
        adjustments.effective_at,
        adjustments.updated_at,
        -- No source can know what is so after it was landed.
        least(adjustments.updated_at, loads.landed_at) as believed_at,
        adjustments.provider,
        adjustments.model,
        adjustments.user_id,
        adjustments.period_start,
        adjustments.period_end,
        adjustments.reference,
        adjustments._load_id,
        adjustments._line_number
    from adjustments
    left join loads on adjustments._load_id = loads.load_id

)

select * from final
