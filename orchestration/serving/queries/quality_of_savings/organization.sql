-- What an organization saved, and whether the work was as good as the baseline's: in the months that
-- the days touch.
select
    success_comparison,
    compared_tasks,
    total_savings_usd
from marts.savings_quality
where
    organization_id = %(organization_id)s
    and metric_date between cast(date_trunc('month', cast(%(start_date)s as timestamp)) as date)
    and %(end_date)s
