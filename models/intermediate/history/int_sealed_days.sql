-- Grain: one row per organization of which days are sealed: all before this one.

with sealings as (

    select * from {{ ref('stg_platform__sealed_organizations') }}

),

final as (

    select
        organization_id,
        max(sealed_until) as sealed_until,
        max(sealed_at) as sealed_at
    from sealings
    group by organization_id

)

select * from final
