{#- Statements of `fct_task_executions`: list the executions that this build computes: those about which something
    arrived, and those that changed although no event of theirs did, because the clock timed them out, the zone of
    their organization changed, a decision about them arrived, what prices them came or went
    (`int_price_changes`), a rule of pricing changed, somebody asked to compute them again, or they share a
    routing decision with another one on the list. With nothing new the list is empty. A full refresh lists
    everything that ever arrived. -#}
{% macro collect_batch() -%}
    {%- set batch = ref('int_execution_batch') -%}
    delete from {{ batch }};

    insert into {{ batch }} (execution_id, reason)
    select
        arrived.execution_id,
        min(arrived.reason) as reason
    from {{ ref('int_arrived_executions') }} as arrived
    group by arrived.execution_id;
    {%- if is_incremental() and not flags.FULL_REFRESH %}

    create temporary table price_changes on commit drop as
    select * from {{ ref('int_price_changes') }};

    analyze price_changes;

    insert into {{ batch }} (execution_id, reason)
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
        )
    union all
    select
        executions.execution_id,
        'organization' as reason
    from {{ this }} as executions
    inner join {{ ref('int_organization_changes') }} as changes
        on
            executions.organization_id = changes.organization_id
            and executions.start_time >= changes.valid_from
            and executions.start_time < changes.valid_until
    where changes.has_other_timezone and executions.is_bucket is not true
    union all
    select
        executions.execution_id,
        'decision' as reason
    from {{ this }} as executions
    inner join (
        select distinct routing_decision_id
        from {{ ref('stg_platform__routing_decisions') }}
        where
            {{ landed_in('select load_id from ' ~ ref('int_arrived_loads')) }}
    ) as arrived
        on executions.routing_decision_id = arrived.routing_decision_id
    {%- for organization, are_such in [
        ('changes.organization_id = executions.organization_id', 'provider is null and organization_id is not null'),
        ('changes.organization_id is null', 'provider is null and organization_id is null'),
    ] %}
    union all
    select
        executions.execution_id,
        'price' as reason
    from {{ this }} as executions
    inner join price_changes as changes
        on
            {{ organization }}
            and changes.provider is null
            and executions.start_time >= changes.valid_from
            and executions.start_time < changes.valid_until
    where
        {{ lies_in_price_changes(are_such) }}
    {%- endfor %}
    {%- for model, are_such in [
        ('changes.model = compared.model', 'model is not null'),
        ('changes.model is null', 'provider is not null and model is null'),
    ] %}
    union all
    select distinct
        executions.execution_id,
        'price' as reason
    from {{ this }} as executions
    cross join lateral (
        values
        (executions.provider, executions.model),
        (executions.baseline_provider, executions.baseline_model),
        (executions.decision_baseline_provider, executions.decision_baseline_model),
        (executions.most_expensive_alternative_provider, executions.most_expensive_alternative_model)
    ) as compared (provider, model)
    inner join price_changes as changes
        on
            changes.provider = compared.provider
            and {{ model }}
            and (changes.organization_id = executions.organization_id or changes.organization_id is null)
            and executions.start_time >= changes.valid_from
            and executions.start_time < changes.valid_until
    where
        {{ lies_in_price_changes(are_such) }}
    {%- endfor %}
    union all
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
        )
    {%- if is_rebuild() %}
    {%- for relation in [this, ref('stg_platform__task_executions')] %}
    -- Also what stands in the facts and should not.
    union all
    select
        executions.execution_id,
        'rebuild' as reason
    from {{ relation }} as executions
    where
        {{ is_rebuilt('executions', 'start_time') }}
    {%- endfor %}
    {%- endif %};

    analyze {{ batch }};

    insert into {{ batch }} (execution_id, reason)
    select
        siblings.execution_id,
        'shared decision' as reason
    from {{ this }} as siblings
    inner join (
        {%- for relation in [this, ref('stg_platform__task_executions')] %}
        select executions.routing_decision_id
        from {{ relation }} as executions
        inner join {{ batch }} as affected on executions.execution_id = affected.execution_id
        {{ 'union' if not loop.last }}
        {%- endfor %}
    ) as shared
        on siblings.routing_decision_id = shared.routing_decision_id
    where exists (select 1 from {{ batch }});
    {%- endif %}

    analyze {{ batch }};
{%- endmacro %}
