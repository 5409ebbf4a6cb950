-- What was saved in a period.
with usage as (

    {{ usage }}

),

total as (

    select
        sum(total_savings_usd) as total_savings_usd,
        sum(total_cost_usd) as total_cost_usd,
        sum(total_spend_usd) as total_spend_usd,
        sum(compared_cost_usd) as compared_cost_usd,
        sum(total_baseline_cost_usd) as baseline_cost_usd,
        coalesce(sum(total_tasks), 0) as total_tasks,
        coalesce(sum(compared_tasks), 0) as compared_tasks
    from usage

)

select
    total_savings_usd,
    total_cost_usd,
    total_spend_usd,
    compared_cost_usd,
    baseline_cost_usd,
    round(100 * total_savings_usd / nullif(baseline_cost_usd, 0), 2) as savings_percentage,
    'USD' as currency,
    json_build_object('start', %(start_date)s, 'end', %(end_date)s) as period,
    total_tasks,
    compared_tasks
from total
