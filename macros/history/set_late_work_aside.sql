{#- Statements of `fct_task_executions`, after the work was listed: copy into `late_executions` what belongs to
    a sealed day, priced as everything else, and set it aside, so that the facts do not take it in. What
    once belonged to a sealed day stays with it, wherever a later version moves it. Only executions that
    are sealed themselves, or of which a version began early enough, are looked at: in a delta of recent
    events none is. Nobody's day ends later than two days after the moment before which all is sealed. -#}
{% macro set_late_work_aside() -%}
    {%- set work = ref('int_execution_work') %}
    create temporary table perhaps_late on commit drop as
    {%- for counted in ['stg_platform__sealed_executions', 'int_late_changes'] %}
    select work.execution_id
    from {{ work }} as work
    inner join {{ ref(counted) }} as counted on work.execution_id = counted.execution_id
    union
    {%- endfor %}
    select work.execution_id
    from {{ work }} as work
    inner join {{ ref('stg_platform__task_executions') }} as versions
        on work.execution_id = versions.execution_id
    where versions.start_time < {{ sealed_before() }} + interval '2 days';

    update {{ work }} set is_aside = true
    where
        exists (select 1 from perhaps_late)
        and execution_id not in (select perhaps_late.execution_id from perhaps_late);

    create temporary table late_executions on commit drop as
    select executions.*
    from {{ ref('int_executions_priced') }} as executions
    left join {{ ref('int_sealed_days') }} as sealed_days
        on executions.organization_id = sealed_days.organization_id
    where
        exists (select 1 from perhaps_late)
        and (
            executions.start_time < {{ sealed_before() }}
            or executions.metric_date < sealed_days.sealed_until
            or exists (
                select 1
                from {{ ref('int_sealed_versions') }} as counted
                where counted.execution_id = executions.execution_id
            )
        );

    update {{ work }}
    set is_aside = execution_id in (select late.execution_id from late_executions as late)
    where exists (select 1 from perhaps_late);
{%- endmacro %}
