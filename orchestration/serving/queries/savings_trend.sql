-- The course of savings and spend, by day, week or month, and what savings had come to by then.
with usage as (

    {{ usage }}

),

steps as (

    select
        cast(date_trunc(%(period)s, cast(metric_date as timestamp)) as date) as date,
        sum(total_savings_usd) as savings_usd,
        sum(total_spend_usd) as spend_usd
    from usage
    group by 1

)

select
    date,
    savings_usd,
    spend_usd,
    sum(savings_usd) over (order by date) as cumulative_savings_usd
from steps
order by date
