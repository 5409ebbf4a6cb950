{#- Statements: the indexes that find the executions of a user's day and of a provider's, model's and task
    type's day. dbt's own index configuration knows no expressions. Only a new table needs them; their names
    must be new as well, because the table that a full refresh replaces still holds the old ones. -#}
{% macro index_unit_days() -%}
    {%- if not is_incremental() -%}
    create index "{{ 'user_days_' ~ invocation_id }}" on {{ this }}
    (organization_id, metric_date, {{ known('', 'user_id') }});
    create index "{{ 'provider_days_' ~ invocation_id }}" on {{ this }}
    (provider, task_type, {{ known('', 'model') }}, start_time);
    {%- endif -%}
{%- endmacro %}
