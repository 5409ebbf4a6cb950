-- What savings come to in a year if they go on as they did on the days that are over.
with usage as (

    {{ usage }}

),

days as (

    select
        least(%(end_date)s + 1, cast(now() at time zone time_zone as date)) as complete_until
    from (
        select coalesce(max(timezone), 'UTC') as time_zone
        from marts.dim_organizations
        where organization_id = %(organization_id)s
    ) as organization

),

saved as (

    select
        greatest(days.complete_until - %(start_date)s, 0) as complete_days,
        sum(usage.total_savings_usd) as savings_usd
    from days
    left join usage on usage.metric_date < days.complete_until
    group by days.complete_until

)

select
    complete_days,
    round(savings_usd * 365 / nullif(complete_days, 0), 12) as projected_annual_savings_usd
from saved
