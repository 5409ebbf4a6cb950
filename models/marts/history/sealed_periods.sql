-- Grain: one row per organization of which days are sealed: their figures are final.

{{ config(materialized='view') }}

with sealed_days as (

    select * from {{ ref('int_sealed_days') }}

),

late as (

    select
        organization_id,
        count(*) as late_corrections,
        cast(sum(spend_delta_usd) as numeric(28, 12)) as late_spend_usd
    from {{ ref('late_corrections') }}
    group by organization_id

),

final as (

    select
        sealed_days.organization_id,
        sealed_days.sealed_until,
        sealed_days.sealed_at,
        coalesce(late.late_corrections, 0) as late_corrections,
        cast(coalesce(late.late_spend_usd, 0) as numeric(28, 12)) as late_spend_usd
    from sealed_days
    left join late on sealed_days.organization_id = late.organization_id

)

select * from final
