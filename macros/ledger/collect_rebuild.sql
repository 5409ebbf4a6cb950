{#- Statement of `fct_task_executions`: list the executions that somebody asked to compute again, also those
    that stand in the facts and should not. Nothing when nobody did. -#}
{% macro collect_rebuild() -%}
    {%- if is_rebuild() %}
    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'rebuild' as reason
    from {{ this }} as executions
    where
        {{ is_rebuilt('executions', 'start_time') }}
    union
    select
        versions.execution_id,
        'rebuild' as reason
    from {{ ref('stg_platform__task_executions') }} as versions
    where
        {{ is_rebuilt('versions', 'start_time') }};
    {%- endif %}
{%- endmacro %}
