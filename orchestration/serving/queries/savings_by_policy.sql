-- What the same executions would have saved under each baseline policy; `headline` is in force.
with policies as (

    {{ policies }}

)

select
    policy,
    sum(compared_tasks) as compared_tasks,
    sum(total_baseline_cost_usd) as baseline_cost_usd,
    sum(total_savings_usd) as savings_usd,
    round(100 * sum(total_savings_usd) / nullif(sum(total_baseline_cost_usd), 0), 2)
        as savings_percentage
from policies
group by policy
order by policy = 'headline' desc, policy
