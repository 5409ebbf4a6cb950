-- The course of a period: what every step of it saved and cost, and what both had come to by then.
with usage as (

    {{ usage }}

),

steps as (

    select
        cast(date_trunc(%(period)s, cast(metric_date as timestamp)) as date) as date,
        sum(total_tasks) as tasks,
        sum(unpriced_tasks) as unpriced_tasks,
        sum(total_spend_usd) as spend_usd,
        sum(total_savings_usd) as savings_usd
    from usage
    group by 1

)

select
    date,
    tasks,
    unpriced_tasks,
    spend_usd,
    savings_usd,
    sum(spend_usd) over (order by date) as cumulative_spend_usd,
    sum(savings_usd) over (order by date) as cumulative_savings_usd
from steps
order by date
