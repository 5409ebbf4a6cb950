-- Whether the layers hold the same of each day, for who may read the quality of the data.
select
    comparison,
    count(*) as days,
    count(*) filter (where is_equal) as equal_days,
    count(*) filter (where not is_equal) as different_days,
    max(metric_date) filter (where not is_equal) as last_different_date
from quality.reconciled_days
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
group by comparison
order by comparison
