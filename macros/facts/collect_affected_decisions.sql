{#- Statements of `fct_routing_decisions`: list in `affected_decisions` the decisions to compute again: those of which
    a version arrived, and those of executions that changed; in a rebuild those of its time and organizations
    too. -#}
{% macro collect_affected_decisions() -%}
    {%- if is_incremental() -%}
    {{ collect_changed_executions(['routing_decision_id']) }}

    create temporary table affected_decisions on commit drop as
    select routing_decision_id
    from {{ ref('stg_platform__routing_decisions') }}
    where
        {{ landed_in(newly_processed_loads()) }}
    union
    select routing_decision_id
    from changed_executions
    where routing_decision_id is not null
    union
    -- Those that the execution stands beside, also where it follows another one now.
    select shown.routing_decision_id
    from {{ this }} as shown
    inner join changed_executions on shown.execution_id = changed_executions.execution_id
    {%- if is_rebuild() %}
    union
    select decisions.routing_decision_id
    from {{ ref('stg_platform__routing_decisions') }} as decisions
    where
        {{ is_rebuilt('decisions', 'decision_timestamp') }}
    {%- endif %};

    -- A decision of a sealed time stays as it is, as long as it stands here. What another organization
    -- sends under its id seals nothing.
    delete from affected_decisions
    using {{ this }} as shown
    where
        affected_decisions.routing_decision_id = shown.routing_decision_id
        and not ({{ is_open_at('shown', 'shown.decision_timestamp') }});

    delete from affected_decisions
    using {{ ref('stg_platform__routing_decisions') }} as versions
    where
        exists (select 1 from {{ ref('int_sealed_days') }})
        and affected_decisions.routing_decision_id = versions.routing_decision_id
        and versions.organization_id = (
            select landed.organization_id
            from {{ ref('stg_platform__routing_decisions') }} as landed
            where landed.routing_decision_id = versions.routing_decision_id
            order by landed._load_id, landed._line_number
            limit 1
        )
        and not ({{ is_open_at('versions', 'versions.decision_timestamp') }});

    analyze affected_decisions;
    {%- endif -%}
{%- endmacro %}
