-- An organization's budget of the month that it is. Today is not over: a month goes on as its
-- complete days went.
with organization as (

    select
        (
            select monthly_budget_usd
            from marts.dim_organizations
            where organization_id = %(organization_id)s
        ) as monthly_budget_usd,
        cast(
            now() at time zone coalesce(
                (
                    select timezone
                    from marts.dim_organizations
                    where organization_id = %(organization_id)s
                ),
                'UTC'
            ) as date
        ) as today

),

days as (

    select
        metric_date,
        total_spend_usd
    from marts.live_organization_days
    where organization_id = %(organization_id)s

),

months as (

    select
        organization.monthly_budget_usd,
        organization.today,
        cast(
            date_trunc(
                'month', cast(coalesce((select min(metric_date) from days), organization.today) as timestamp)
            ) as date
        ) as first_day
    from organization

),

lengths as (

    select
        monthly_budget_usd,
        today,
        first_day,
        cast(first_day + interval '1 month' as date) - first_day as days_in_month,
        least(today - first_day, cast(first_day + interval '1 month' as date) - first_day) as complete_days
    from months

),

spent as (

    select
        lengths.monthly_budget_usd,
        lengths.first_day,
        lengths.days_in_month,
        lengths.complete_days,
        coalesce((select sum(total_spend_usd) from days), 0) as spend_usd,
        coalesce(
            (select sum(total_spend_usd) from days where metric_date < lengths.today), 0
        ) as complete_spend_usd
    from lengths

),

projected as (

    select
        *,
        round(complete_spend_usd * days_in_month / nullif(complete_days, 0), 12) as projected_spend_usd
    from spent

)

select
    first_day as month,
    days_in_month,
    complete_days,
    monthly_budget_usd,
    spend_usd,
    round(spend_usd / nullif(monthly_budget_usd, 0), 6) as share_used,
    projected_spend_usd,
    round(projected_spend_usd / nullif(monthly_budget_usd, 0), 6) as projected_share,
    array_remove(
        array[
            case
                when monthly_budget_usd is null then 'no budget is set'
                when monthly_budget_usd = 0 then 'the budget is 0'
            end,
            case when complete_days = 0 then 'no day of the month is complete' end
        ],
        null
    ) as unknown_because,
    (select last_landed_at from marts.live_freshness) as last_landed_at
from projected
