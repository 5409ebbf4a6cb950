{#- Statement of `fct_task_executions`: note the days of a unit (see `unit_columns`) on which the pending
    executions stand in the facts. Run before the facts change and again after, so that the day that an
    execution left is touched as well as the one that it moved to. -#}
{% macro touch_days(unit, before) -%}
    {%- if not before or load_relation(this) is not none -%}
    {%- set ledger = ref('int_touched_' ~ unit ~ '_days') -%}
    {%- set columns = unit_columns(unit) + ['metric_date', 'reason'] -%}
    insert into {{ ledger }} (invocation_id, {{ columns | join(', ') }})
    select distinct
        '{{ invocation_id }}' as invocation_id,
        {%- for column in unit_columns(unit) %}
        executions.{{ column }},
        {%- endfor %}
        {%- if unit == 'provider' %}
        {{ local_date('executions.start_time', "'UTC'") }} as metric_date,
        {%- else %}
        executions.metric_date,
        {%- endif %}
        pending.reason
    from {{ this }} as executions
    inner join {{ ref('int_pending_executions') }} as pending
        on executions.execution_id = pending.execution_id
    except
    select
        invocation_id,
        {{ columns | join(',\n        ') }}
    from {{ ledger }}
    where invocation_id = '{{ invocation_id }}';
    {%- endif -%}
{%- endmacro %}
