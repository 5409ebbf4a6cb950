{#- Columns that every rollup has, from the executions of a group. -#}
{% macro task_measures() -%}
    count(*) as total_tasks,
        count(*) filter (where executions.status = 'completed') as successful_tasks,
        count(*) filter (where executions.status = 'failed') as failed_tasks,
        count(*) filter (where executions.is_timed_out) as timed_out_tasks,
        count(*) filter (where executions.cost_usd is null) as unpriced_tasks,
        count(*) filter (where executions.savings_status = 'compared') as compared_tasks,
        cast(coalesce(sum(executions.total_tokens), 0) as numeric(28, 0)) as total_tokens,
        {{ sum_usd('executions.cost_usd', "executions.status = 'completed'") }}
            as total_cost_usd,
        {{ sum_usd('executions.cost_usd', "executions.status = 'failed'") }} as failed_cost_usd,
        {{ sum_usd('executions.cost_usd') }} as total_spend_usd,
        {{ sum_usd('executions.cost_usd', "executions.savings_status = 'compared'") }}
            as compared_cost_usd,
        {{ sum_usd('executions.baseline_cost_usd', "executions.savings_status = 'compared'") }}
            as total_baseline_cost_usd,
        {{ sum_usd('executions.savings_usd') }} as total_savings_usd,
        cast(coalesce(sum(executions.duration_ms), 0) as numeric(28, 0)) as total_duration_ms,
        count(executions.duration_ms) as timed_tasks,
        cast(coalesce(sum(executions.request_count), 0) as numeric(28, 12)) as total_requests
{%- endmacro %}
