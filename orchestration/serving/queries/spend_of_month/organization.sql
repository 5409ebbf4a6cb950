-- What an organization spent on the days of a month.
select
    metric_date,
    total_spend_usd
from marts.organization_days
where
    organization_id = %(organization_id)s
    and metric_date between cast(date_trunc('month', cast(%(end_date)s as timestamp)) as date)
    and %(end_date)s
