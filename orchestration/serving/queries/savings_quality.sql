-- Whether the work that saved was as good as the baseline's: in the months that the days touch.
select
    success_comparison,
    count(*) as comparisons,
    sum(compared_tasks) as compared_tasks,
    sum(total_savings_usd) as savings_usd
from marts.savings_quality
where
    organization_id = %(organization_id)s
    and metric_date between cast(date_trunc('month', cast(%(start_date)s as timestamp)) as date)
    and %(end_date)s
group by success_comparison
order by success_comparison
