-- Grain: one row per organization with a limit of its own, and one with none for all others: how
-- many days everything stays, as the project's vars and `seeds/retention` said in the last build.

with own_limits as (

    select * from {{ ref('raw_retention') }}

),

final as (

    select
        cast(null as uuid) as organization_id,
        cast({{ var('seal_after_days') }} as integer) as seal_after_days,
        cast({{ var('detail_days') }} as integer) as detail_days,
        cast({{ var('hourly_days') }} as integer) as hourly_days,
        cast({{ var('raw_days') }} as integer) as raw_days,
        cast({{ var('audit_days') }} as integer) as audit_days
    union all
    select
        organization_id,
        cast({{ var('seal_after_days') }} as integer) as seal_after_days,
        cast({{ var('detail_days') }} as integer) as detail_days,
        cast({{ var('hourly_days') }} as integer) as hourly_days,
        raw_days,
        cast({{ var('audit_days') }} as integer) as audit_days
    from own_limits

)

select * from final
