-- A returned row is a difference between what landed of adjustments, what the facts show of them,
-- their days, and their months in the bills. Copies, older versions, and versions of an id that
-- another organization landed first are what lands more often than it counts.

{{ config(meta={'dagster': {'ref': {'name': 'organization_bills'}}}) }}

with landed as (

    select count(distinct adjustment_id) as adjustments
    from {{ ref('stg_platform__adjustments') }}

),

facts as (

    select
        count(*) as adjustments,
        count(*) filter (where amount_usd is null) as unknown_adjustments,
        coalesce(sum(amount_usd), 0) as usd
    from {{ ref('fct_adjustments') }}

),

days as (

    select
        coalesce(sum(adjustments), 0) as adjustments,
        coalesce(sum(unknown_adjustments), 0) as unknown_adjustments,
        coalesce(sum(adjustments_usd), 0) as usd
    from {{ ref('adjustment_days') }}

),

months as (

    select
        coalesce(sum(adjustments), 0) as adjustments,
        coalesce(sum(unknown_adjustments), 0) as unknown_adjustments,
        coalesce(sum(adjustments_usd), 0) as usd,
        coalesce(sum(total_usd - total_spend_usd), 0) as usd_beside_usage
    from {{ ref('organization_bills') }}

)

select
    landed.adjustments as landed_adjustments,
    facts.adjustments as fact_adjustments,
    days.adjustments as day_adjustments,
    months.adjustments as month_adjustments,
    facts.unknown_adjustments as fact_unknown_adjustments,
    days.unknown_adjustments as day_unknown_adjustments,
    months.unknown_adjustments as month_unknown_adjustments,
    facts.usd as fact_usd,
    days.usd as day_usd,
    months.usd as month_usd,
    months.usd_beside_usage
from landed
cross join facts
cross join days
cross join months
where
    landed.adjustments <> facts.adjustments
    or facts.adjustments <> days.adjustments
    or facts.adjustments <> months.adjustments
    or facts.unknown_adjustments <> days.unknown_adjustments
    or facts.unknown_adjustments <> months.unknown_adjustments
    or facts.usd <> days.usd
    or facts.usd <> months.usd
    or facts.usd <> months.usd_beside_usage
