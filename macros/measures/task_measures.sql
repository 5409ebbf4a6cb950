{#- Columns that every rollup has, from the executions of a group, each counted with its sign. -#}
{% macro task_measures() -%}
    {{ count_tasks() }} as total_tasks,
        {{ count_tasks("executions.status = 'completed'") }} as successful_tasks,
        {{ count_tasks("executions.status = 'failed'") }} as failed_tasks,
        {{ count_tasks('executions.is_timed_out') }} as timed_out_tasks,
        {{ count_tasks('executions.cost_usd is null') }} as unpriced_tasks,
        {{ count_tasks("executions.savings_status = 'compared'") }} as compared_tasks,
        {{ sum_signed('executions.total_tokens', 'numeric(28, 0)') }} as total_tokens,
        {{ sum_signed('executions.cost_usd', condition="executions.status = 'completed'") }}
            as total_cost_usd,
        {{ sum_signed('executions.cost_usd', condition="executions.status = 'failed'") }}
            as failed_cost_usd,
        {{ sum_signed('executions.cost_usd') }} as total_spend_usd,
        {{ sum_signed('executions.cost_usd', condition="executions.savings_status = 'compared'") }}
            as compared_cost_usd,
        {{ sum_signed(
            'executions.baseline_cost_usd', condition="executions.savings_status = 'compared'"
        ) }} as total_baseline_cost_usd,
        {{ sum_signed('executions.savings_usd') }} as total_savings_usd,
        {{ sum_signed('executions.duration_ms', 'numeric(28, 0)') }} as total_duration_ms,
        {{ count_tasks('executions.duration_ms is not null') }} as timed_tasks,
        {{ sum_signed('executions.request_count') }} as total_requests
{%- endmacro %}
