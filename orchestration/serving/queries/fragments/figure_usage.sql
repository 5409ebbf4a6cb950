-- A figure as pages show it: by day, provider and model. What is unpriced is so in all of a row.
with usage as (

    {{ usage }}

)

select
    metric_date,
    provider,
    model,
    cast(
        sum(
            case %(figure)s
                when 'savings' then compared_tasks
                when 'baseline' then compared_tasks
                when 'spend' then total_tasks - unpriced_tasks
                when 'cost' then case when unpriced_tasks = 0 then successful_tasks else 0 end
                when 'unpriced' then unpriced_tasks
                else total_tasks
            end
        ) as bigint
    ) as tasks,
    sum(
        case %(figure)s
            when 'savings' then total_savings_usd
            when 'baseline' then total_baseline_cost_usd
            when 'spend' then total_spend_usd
            when 'cost' then total_cost_usd
        end
    ) as amount_usd
from usage
group by metric_date, provider, model
