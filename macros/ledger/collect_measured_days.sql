{#- Statement of `fct_measured_savings`: list in `touched_days` the organization days to compute again: those
    that the facts changed, those of other attempts at the same tasks, and those of executions that were
    compared with an attempt on such a day. -#}
{% macro collect_measured_days() -%}
    {%- if is_incremental() -%}
    create temporary table decided_days on commit drop as
    {{ pending_days(after=['fct_routing_decisions']) }};

    analyze decided_days;

    create temporary table touched_days on commit drop as
    select
        decided_days.organization_id,
        decided_days.metric_date
    from decided_days
    union
    select
        siblings.organization_id,
        siblings.metric_date
    from {{ ref('fct_task_executions') }} as executions
    inner join decided_days
        on
            executions.organization_id = decided_days.organization_id
            and executions.metric_date = decided_days.metric_date
    inner join {{ ref('fct_task_executions') }} as siblings
        on
            executions.organization_id = siblings.organization_id
            and executions.task_id = siblings.task_id
    union
    select
        measured.organization_id,
        measured.metric_date
    from {{ this }} as measured
    inner join decided_days
        on
            measured.organization_id = decided_days.organization_id
            and measured.measured_metric_date = decided_days.metric_date;

    {{ spare_sealed_days() }}

    analyze touched_days;
    {%- endif -%}
{%- endmacro %}
