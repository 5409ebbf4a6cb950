-- Grain: one row per organization of which days are sealed: all before this one. Months of UTC are
-- sealed, with the rest of the day that their end cuts in two: the month in which the first open
-- day lies begins when the last sealed one ends.

with sealings as (

    select * from {{ ref('stg_warehouse__sealed_organizations') }}

),

final as (

    select
        organization_id,
        max(sealed_until) as sealed_until,
        {{ utc_midnight(first_day('monthly', 'max(sealed_until)')) }} as sealed_before,
        max(sealed_at) as sealed_at
    from sealings
    group by organization_id

)

select * from final
