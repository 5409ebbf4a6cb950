{#- Statement of `fct_task_executions`: a member who arrives raises the head count of the
    organization's days since then. -#}
{% macro touch_member_days() -%}
    insert into {{ ref('int_touched_organization_days') }}
        (invocation_id, organization_id, metric_date, reason)
    select distinct
        '{{ invocation_id }}' as invocation_id,
        executions.organization_id,
        executions.metric_date,
        'member' as reason
    from {{ this }} as executions
    inner join (
        select
            users.organization_id,
            min({{ local_date('users.updated_at', "'UTC'") }}) as member_since
        from {{ ref('stg_platform__users') }} as users
        inner join {{ ref('stg_platform__loads') }} as loads
            on users._load_id = loads.load_id
        where {{ not_taken_in(this.identifier, 'load', 'cast(loads.load_id as text)') }}
        group by users.organization_id
    ) as arrived
        on
            executions.organization_id = arrived.organization_id
            and executions.metric_date >= arrived.member_since;
{%- endmacro %}
