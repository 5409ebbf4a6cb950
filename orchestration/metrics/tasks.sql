-- One row per organization with tasks in the last 30 days that anything began: what became of them.

with days as (

    select *
    from marts.organization_days
    where metric_date > (select max(latest.metric_date) - 30 from marts.organization_days as latest)

)

select
    organization_id,
    sum(total_tasks) as tasks,
    sum(failed_tasks) as failed_tasks,
    sum(timed_out_tasks) as timed_out_tasks,
    sum(unpriced_tasks) as unpriced_tasks,
    sum(compared_tasks) as compared_tasks,
    sum(negative_savings_tasks) as negative_savings_tasks,
    sum(total_spend_usd) as spend_usd,
    sum(total_savings_usd) as savings_usd
from days
group by organization_id
order by organization_id
