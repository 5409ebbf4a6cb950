-- Grain: one row per organization, day of the adjustments in its reporting time zone, provider and
-- reason.

{{ config(materialized='view') }}

with adjustments as (

    select * from {{ ref('fct_adjustments') }}

),

final as (

    select
        {{ surrogate_key(['organization_id', 'metric_date', 'provider', 'reason']) }}
            as adjustment_day_id,
        organization_id,
        metric_date,
        provider,
        reason,
        count(*) as adjustments,
        count(*) filter (where amount_status <> 'known') as unknown_adjustments,
        {{ sum_usd('amount_usd') }} as adjustments_usd
    from adjustments
    group by organization_id, metric_date, provider, reason

)

select * from final
