{#- Statement: the partial index that finds executions without an end. dbt's own index configuration
    knows no condition. Only a new table needs it; its name must be new as well, because the table
    that a full refresh replaces still holds the old one. -#}
{% macro index_open_executions() -%}
    {%- if not is_incremental() -%}
    create index "{{ 'open_executions_' ~ invocation_id }}" on {{ this }} (start_time)
    where status in ('pending', 'running') and end_time is null;
    {%- endif -%}
{%- endmacro %}
