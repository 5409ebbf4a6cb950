{#- Statement of `fct_task_executions`: note the days on which the pending executions stand in the
    facts. Run before the facts change and again after, so that the day that an execution left is
    touched as well as the one that it moved to. -#}
{% macro touch_organization_days(before) -%}
    {%- if not before or load_relation(this) is not none -%}
    insert into {{ ref('int_touched_organization_days') }}
        (invocation_id, organization_id, metric_date, reason)
    select distinct
        '{{ invocation_id }}' as invocation_id,
        executions.organization_id,
        executions.metric_date,
        pending.reason
    from {{ this }} as executions
    inner join {{ ref('int_pending_executions') }} as pending
        on executions.execution_id = pending.execution_id
    except
    select
        invocation_id,
        organization_id,
        metric_date,
        reason
    from {{ ref('int_touched_organization_days') }}
    where invocation_id = '{{ invocation_id }}';
    {%- endif -%}
{%- endmacro %}
