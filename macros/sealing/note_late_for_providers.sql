{#- Statements of `fct_task_executions`, after `move_late_executions`: note the executions that count for their
    organization, of which those days are open, and no more for their provider, whose day is sealed with those of
    others. -#}
{% macro note_late_for_providers() -%}
    delete from {{ ref('int_late_provider_usage') }} as noted
    using {{ ref('int_execution_batch') }} as batch
    where
        noted.execution_id = batch.execution_id
        and not exists (
            select 1
            from {{ ref('stg_warehouse__sealed_executions') }} as sealed
            where sealed.execution_id = noted.execution_id
        );

    insert into {{ ref('int_late_provider_usage') }} (
        execution_id, organization_id, provider, model, task_type, metric_date, total_tokens, cost_usd
    )
    select
        executions.execution_id,
        executions.organization_id,
        executions.provider,
        executions.model,
        executions.task_type,
        {{ local_date('executions.start_time', "'UTC'") }} as metric_date,
        executions.total_tokens,
        executions.cost_usd
    from {{ this }} as executions
    where
        executions.start_time < {{ sealed_before() }}
        and executions.execution_id in (
            select batch.execution_id
            from {{ ref('int_execution_batch') }} as batch
        )
        and not exists (
            select 1
            from {{ ref('stg_warehouse__sealed_executions') }} as sealed
            where sealed.execution_id = executions.execution_id
        );
{%- endmacro %}
