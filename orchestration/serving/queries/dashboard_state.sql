-- What to know of the figures: how many alerts are open, and how much has no price.
with usage as (

    {{ usage }}

),

alerts as (

    {{ alerts }}

)

select
    alerts.open_alerts,
    coalesce(sum(usage.unpriced_tasks), 0) as unpriced_tasks,
    round(sum(usage.unpriced_tasks) / nullif(cast(sum(usage.total_tasks) as numeric), 0), 6)
        as unpriced_share
from alerts
left join usage on true
group by alerts.open_alerts
