{#- Rows: landed versions of executions or decisions, all of each one that `versions` holds, with what decides between
    them (`version_order`): the moment that a version's stamp is believed to say (none later than it landed),
    the first landing of its organization's versions, and whether any of these was stamped later than it
    landed. `event_kind` is task_execution or routing_decision. -#}
{% macro claimed_versions(event_kind, versions) -%}
    {%- set key = 'execution_id' if event_kind == 'task_execution' else 'routing_decision_id' -%}
    select
        versions.*,
        least(versions.updated_at, loads.landed_at) as believed_at,
        min(array[versions._load_id, versions._line_number]) over same_claim as first_landing,
        coalesce(bool_or(versions.updated_at > loads.landed_at) over same_claim, false)
            as has_early_stamp
    from {{ versions }} as versions
    left join {{ ref('stg_warehouse__loads') }} as loads on versions._load_id = loads.load_id
    window
        same_claim as (partition by versions.{{ key }}, versions.organization_id)
{%- endmacro %}
