-- Grain: one row per organization and day in its reporting time zone.

with executions as (

    select * from {{ changes_of('fct_task_executions') }}

)

select
    executions.organization_id,
    executions.metric_date,
    {{ task_measures() }},
    {{ count_tasks('executions.savings_usd < 0') }} as negative_savings_tasks,
    {{ count_tasks('executions.savings_usd is not null and executions.net_savings_usd is null') }}
        as unknown_overhead_tasks,
    {{ sum_signed('executions.input_tokens', 'numeric(28, 0)') }} as input_tokens,
    {{ sum_signed('executions.output_tokens', 'numeric(28, 0)') }} as output_tokens,
    {{ sum_signed('executions.net_savings_usd') }} as total_net_savings_usd,
    {{ duration_map() }} as durations
from executions
group by executions.organization_id, executions.metric_date
