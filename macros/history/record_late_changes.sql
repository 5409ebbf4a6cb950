{#- Statements of `fct_task_executions`, after its rows were written: note what arrived for sealed days and is
    newer than what was counted there, with what was counted. An execution that stood in the facts and now
    belongs to a sealed day leaves them. -#}
{% macro record_late_changes() -%}
    {%- set amounts = ['cost_usd', 'baseline_cost_usd', 'savings_usd', 'net_savings_usd'] -%}
    {%- set noted = ['status', 'pricing_status', 'total_tokens'] + amounts %}
    insert into {{ ref('int_late_changes') }} (
        invocation_id, execution_id, organization_id, metric_date, is_new, event_id, updated_at,
        {%- for name in noted %}
        old_{{ name }}, new_{{ name }},
        {%- endfor %}
        changed_at
    )
    select
        '{{ invocation_id }}' as invocation_id,
        late.execution_id,
        late.organization_id,
        coalesce(counted.metric_date, late.metric_date) as metric_date,
        counted.execution_id is null as is_new,
        late.event_id,
        late.updated_at,
        {%- for name in noted %}
        counted.{{ name }} as old_{{ name }},
        late.{{ name }} as new_{{ name }},
        {%- endfor %}
        current_timestamp as changed_at
    from late_executions as late
    left join (
        select
            versions.*,
            row_number() over (
                partition by versions.execution_id
                order by versions.updated_at desc, versions.event_id desc
            ) = 1 as is_latest
        from {{ ref('int_sealed_versions') }} as versions
        where versions.execution_id in (select known.execution_id from late_executions as known)
    ) as counted
        on late.execution_id = counted.execution_id and counted.is_latest
    where
        counted.execution_id is null
        or (late.updated_at, late.event_id) > (counted.updated_at, counted.event_id);

    delete from {{ this }} as executions
    using late_executions as late
    where
        executions.execution_id = late.execution_id
        and not exists (
            select 1
            from {{ ref('stg_platform__sealed_executions') }} as sealed
            where sealed.execution_id = executions.execution_id
        );
{%- endmacro %}
