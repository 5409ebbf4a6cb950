select
    cast(coalesce(sum(total_tasks), 0) as bigint) as total_tasks,
    coalesce(sum(total_spend_usd), 0) as total_spend_usd
from marts.{mart}
where
    organization_id = %(organization_id)s
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
    and user_id = %(user_id)s
