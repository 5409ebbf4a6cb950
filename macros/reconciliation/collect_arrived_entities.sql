{#- Statements of `disputed_versions`, after `open_intake`: list in `arrived_entities` the executions, decisions,
    organizations and users about which something landed in the loads that it reads, and delete its rows
    of them, of which nothing may be left. -#}
{% macro collect_arrived_entities() -%}
    {%- if is_incremental() -%}
    create temporary table arrived_entities on commit drop as
    {%- for event_kind, entity_id in {
        'task_execution': 'execution_id',
        'routing_decision': 'routing_decision_id',
        'organization': 'organization_id',
        'user': 'user_id',
    }.items() %}
    select
        '{{ event_kind }}' as event_kind,
        {{ entity_id }} as entity_id
    from {{ ref('stg_platform__' ~ event_kind ~ 's') }}
    where {{ landed_in(pending_loads()) }}
    {{ 'union' if not loop.last }}
    {%- endfor %};

    analyze arrived_entities;

    delete from {{ this }} as known
    using arrived_entities
    where
        known.event_kind = arrived_entities.event_kind
        and known.entity_id = arrived_entities.entity_id;
    {%- endif -%}
{%- endmacro %}
