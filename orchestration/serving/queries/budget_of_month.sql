-- How much of its budget the month of the last day has used; it goes on as its complete days went,
-- as the alert has it.
with spend_of_month as (

    {{ spend_of_month }}

),

organization as (

    select
        max(organizations.monthly_budget_usd) as monthly_budget_usd,
        coalesce(max(organizations.timezone), 'UTC') as time_zone
    from marts.dim_organizations as organizations
    where organizations.organization_id = %(organization_id)s

),

months as (

    select
        monthly_budget_usd,
        cast(date_trunc('month', cast(%(end_date)s as timestamp)) as date) as first_day,
        cast(
            date_trunc('month', cast(%(end_date)s as timestamp)) + interval '1 month' as date
        ) as next_first_day,
        -- Today is not over, and what is to come is not known.
        least(%(end_date)s + 1, cast(now() at time zone time_zone as date)) as complete_until
    from organization

),

spent as (

    select
        coalesce(sum(spend_of_month.total_spend_usd), 0) as spend_usd,
        coalesce(
            sum(spend_of_month.total_spend_usd)
            filter (where spend_of_month.metric_date < months.complete_until),
            0
        ) as complete_spend_usd
    from months
    left join spend_of_month on true

)

select
    months.first_day as month,
    months.monthly_budget_usd,
    spent.spend_usd,
    round(spent.spend_usd / nullif(months.monthly_budget_usd, 0), 6) as share_of_budget,
    case
        when months.complete_until > months.first_day
            then round(
                spent.complete_spend_usd
                * (months.next_first_day - months.first_day)
                / (months.complete_until - months.first_day),
                12
            )
    end as projected_spend_usd
from months
cross join spent
