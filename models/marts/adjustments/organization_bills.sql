-- Grain: one row per organization and month with usage or adjustments: both, and what they come to.

{{ config(materialized='view') }}

with usage_months as (

    select * from {{ ref('organization_months') }}

),

adjustment_days as (

    select * from {{ ref('adjustment_days') }}

),

adjustment_months as (

    select
        organization_id,
        {{ first_day('monthly', 'metric_date') }} as metric_date,
        sum(adjustments) as adjustments,
        sum(unknown_adjustments) as unknown_adjustments,
        sum(adjustments_usd) as adjustments_usd
    from adjustment_days
    group by organization_id, {{ first_day('monthly', 'metric_date') }}

),

final as (

    select
        coalesce(usage_months.organization_id, adjustment_months.organization_id)
            as organization_id,
        coalesce(usage_months.metric_date, adjustment_months.metric_date) as metric_date,
        coalesce(usage_months.total_tasks, 0) as total_tasks,
        coalesce(usage_months.unpriced_tasks, 0) as unpriced_tasks,
        cast(coalesce(usage_months.total_spend_usd, 0) as numeric(28, 12)) as total_spend_usd,
        cast(coalesce(adjustment_months.adjustments, 0) as bigint) as adjustments,
        cast(coalesce(adjustment_months.unknown_adjustments, 0) as bigint) as unknown_adjustments,
        cast(coalesce(adjustment_months.adjustments_usd, 0) as numeric(28, 12)) as adjustments_usd,
        cast(
            coalesce(usage_months.total_spend_usd, 0)
            + coalesce(adjustment_months.adjustments_usd, 0)
            as numeric(28, 12)
        ) as total_usd
    from usage_months
    full outer join adjustment_months
        on
            usage_months.organization_id = adjustment_months.organization_id
            and usage_months.metric_date = adjustment_months.metric_date

)

select * from final
