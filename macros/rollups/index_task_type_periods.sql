{#- Statement: the index that answers how providers compare at a task type without reading the table, which
    has a row for every hour. As for `index_unit_days`, only a new table needs it. -#}
{% macro index_task_type_periods() -%}
    {%- if not is_incremental() -%}
    create index "{{ 'task_type_periods_' ~ invocation_id }}" on {{ this }} (task_type, metric_date)
    include (provider, total_tasks, success_rate, avg_duration_ms, avg_cost_usd);
    {%- endif -%}
{%- endmacro %}
