-- The course of costs, by day, week or month, and what spend and savings had come to by then.
with usage as (

    {{ usage }}

),

steps as (

    select
        cast(date_trunc(%(period)s, cast(metric_date as timestamp)) as date) as date,
        {{ sums }}
    from usage
    group by 1

)

select
    *,
    sum(spend_usd) over (order by date) as cumulative_spend_usd,
    sum(savings_usd) over (order by date) as cumulative_savings_usd
from steps
order by date
