{#- Statements of `fct_task_executions`, right after its rows were written: what belongs to a sealed day leaves them,
    and is noted with what was counted of it, where it is newer than that: where it comes after the counted
    version, or that has left schema raw and by its stamp, status or tokens it would. An id that
    another organization sends again is not noted. What once belonged to a sealed day stays with it,
    wherever a later version moves it. Of an organization of which nothing was ever sealed nothing is late. -#}
{% macro move_late_executions() -%}
    {%- set noted = [
        'status', 'pricing_status', 'total_tokens', 'cost_usd', 'baseline_cost_usd', 'savings_usd',
        'net_savings_usd',
    ] %}
    create temporary table late_executions on commit drop as
    select executions.*
    from {{ this }} as executions
    where
        executions.execution_id in (
            {%- for counted in ['stg_warehouse__sealed_executions', 'int_late_changes'] %}
            select batch.execution_id
            from {{ ref('int_execution_batch') }} as batch
            inner join {{ ref(counted) }} as counted on batch.execution_id = counted.execution_id
            union
            {%- endfor %}
            select batch.execution_id
            from {{ ref('int_execution_batch') }} as batch
            inner join {{ this }} as arrived on batch.execution_id = arrived.execution_id
            inner join {{ ref('int_sealed_days') }} as sealed_days
                on arrived.organization_id = sealed_days.organization_id
            where
                arrived.start_time < sealed_days.sealed_before
                or arrived.metric_date < sealed_days.sealed_until
        );

    analyze late_executions;

    delete from {{ this }}
    where execution_id in (select late.execution_id from late_executions as late);
    {%- if is_incremental() %}

    insert into {{ this }}
    select * from sealed_facts
    on conflict (execution_id) do nothing;
    {%- endif %}

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
                order by versions.counted_at desc
            ) = 1 as is_latest
        from {{ ref('int_sealed_versions') }} as versions
        where versions.execution_id in (select known.execution_id from late_executions as known)
    ) as counted
        on late.execution_id = counted.execution_id and counted.is_latest
    where
        counted.execution_id is null
        or (
            late.organization_id = counted.organization_id
            and late.event_id <> counted.event_id
            and (
                exists (
                    select 1
                    from {{ ref('stg_platform__task_executions') }} as versions
                    where
                        versions.execution_id = counted.execution_id
                        and versions.event_id = counted.event_id
                )
                or (late.updated_at, {{ progress('late') }}, coalesce(late.total_tokens, -1))
                > (
                    counted.updated_at,
                    {{ progress('counted') }},
                    coalesce(counted.total_tokens, -1)
                )
            )
        );
{%- endmacro %}
