-- What to know of the figures: how many alerts are open, and how much has no price.
with usage as (

    {{ usage }}

),

open_alerts as (

    {{ open_alerts }}

)

select
    open_alerts.open_alerts,
    coalesce(sum(usage.unpriced_tasks), 0) as unpriced_tasks,
    round(sum(usage.unpriced_tasks) / nullif(cast(sum(usage.total_tasks) as numeric), 0), 6)
        as unpriced_share
from open_alerts
left join usage on true
group by open_alerts.open_alerts
