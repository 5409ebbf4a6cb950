-- The course of costs, by day, week or month.
with usage as (

    {{ usage }}

)

select
    cast(date_trunc(%(period)s, cast(metric_date as timestamp)) as date) as date,
    {{ sums }}
from usage
group by 1
order by 1
