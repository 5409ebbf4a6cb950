{#- Statements of `disputed_versions`, after `open_changes`: list in `arrived_task_executions` and so on the ids about
    which something landed in the loads that it reads, and delete its rows of them, of which nothing may be
    left. -#}
{% macro collect_arrived_entities() -%}
    {%- if is_incremental() -%}
    {%- for event_kind, key in {
        'task_execution': 'execution_id',
        'routing_decision': 'routing_decision_id',
        'organization': 'organization_id',
        'user': 'user_id',
    }.items() %}
    create temporary table arrived_{{ event_kind }}s on commit drop as
    select distinct {{ key }}
    from {{ ref('stg_platform__' ~ event_kind ~ 's') }}
    where {{ landed_in(newly_processed_loads()) }};

    analyze arrived_{{ event_kind }}s;

    delete from {{ this }} as known
    using arrived_{{ event_kind }}s as arrived
    where known.event_kind = '{{ event_kind }}' and known.entity_id = arrived.{{ key }};
    {%- endfor %}
    {%- endif -%}
{%- endmacro %}
