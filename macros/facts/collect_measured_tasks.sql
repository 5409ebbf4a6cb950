{#- Statements of `fct_measured_savings`: list in `changed_tasks` the tasks to compare again, and delete what stands
    here of them: those of executions that changed, and of executions whose decision arrived or stands beside an
    execution that changed. What is sealed stays. -#}
{% macro collect_measured_tasks() -%}
    {%- if is_incremental() -%}
    {{ collect_changed_executions(['organization_id', 'task_id']) }}

    create temporary table changed_decisions on commit drop as
    select routing_decision_id
    from {{ ref('stg_platform__routing_decisions') }}
    where
        {{ landed_in(newly_processed_loads()) }}
    union
    select decisions.routing_decision_id
    from {{ ref('fct_routing_decisions') }} as decisions
    inner join changed_executions on decisions.execution_id = changed_executions.execution_id;

    analyze changed_decisions;

    create temporary table changed_tasks on commit drop as
    select
        organization_id,
        task_id
    from changed_executions
    union
    select
        executions.organization_id,
        executions.task_id
    from {{ ref('fct_task_executions') }} as executions
    inner join changed_decisions on executions.routing_decision_id = changed_decisions.routing_decision_id;

    analyze changed_tasks;

    delete from {{ this }} as measured
    using changed_tasks
    where
        measured.organization_id = changed_tasks.organization_id
        and measured.task_id = changed_tasks.task_id
        and {{ is_open('measured', 'measured.metric_date') }};
    {%- endif -%}
{%- endmacro %}
