{#- Statements of `fct_task_executions`: list the executions that this build computes: those about
    which something arrived, and those that changed although no event of theirs did, because the
    clock timed them out, their organization changed, a decision about them arrived, a price, policy
    or model name that applies to them came or went, a rule of pricing changed, somebody asked to compute them
    again, or they share a routing decision with another one on the list. With nothing new the list is empty. A full refresh lists everything that ever
    arrived. -#}
{% macro collect_work() -%}
    delete from {{ ref('int_execution_work') }};

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        arrived.execution_id,
        min(arrived.reason) as reason
    from {{ ref('int_arrived_executions') }} as arrived
    group by arrived.execution_id;
    {%- if is_incremental() %}

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'time-out' as reason
    from {{ this }} as executions
    where
        executions.status in ('pending', 'running')
        and executions.end_time is null
        and executions.is_timed_out
        <> (
            executions.start_time
            <= {{ warehouse_now() }} - interval '{{ var("timeout_minutes") }} minutes'
        );

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'organization' as reason
    from {{ this }} as executions
    inner join {{ ref('int_organization_versions') }} as versions
        on
            executions.organization_id = versions.organization_id
            and executions.start_time >= versions.valid_from
            and executions.start_time < versions.valid_until
    where
        executions.organization_id in ({{ newly_landed('organization') }})
        and (
            (
                executions.reporting_timezone <> versions.timezone
                and executions.is_bucket is not true
            )
            or (
                executions.baseline_policy = 'organization_default'
                and (
                    executions.baseline_provider is distinct from versions.baseline_provider
                    or executions.baseline_model is distinct from versions.baseline_model
                )
            )
        );

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'decision' as reason
    from {{ this }} as executions
    inner join (
        select distinct routing_decision_id
        from {{ ref('stg_platform__routing_decisions') }}
        where
            {{ landed_in(arrived_loads()) }}
    ) as arrived
        on executions.routing_decision_id = arrived.routing_decision_id;

    {{ collect_repriced_executions() }}
    {{ collect_policy_executions() }}

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'rule' as reason
    from {{ this }} as executions
    where
        exists (
            select 1
            from {{ ref('int_bookmarks') }}
            where
                model_name = '{{ this.identifier }}'
                and version <> {{ pricing_version() }}
        );
    {{ collect_rebuild() }}

    analyze {{ ref('int_execution_work') }};

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        siblings.execution_id,
        'shared decision' as reason
    from {{ this }} as siblings
    inner join (
        select executions.routing_decision_id
        from {{ this }} as executions
        inner join {{ ref('int_execution_work') }} as pending
            on executions.execution_id = pending.execution_id
        union
        select versions.routing_decision_id
        from {{ ref('stg_platform__task_executions') }} as versions
        inner join {{ ref('int_execution_work') }} as pending
            on versions.execution_id = pending.execution_id
    ) as shared
        on siblings.routing_decision_id = shared.routing_decision_id
    where exists (select 1 from {{ ref('int_execution_work') }});
    {%- endif %}

    analyze {{ ref('int_execution_work') }};
{%- endmacro %}
