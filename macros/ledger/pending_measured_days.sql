{#- Subquery: the organization days whose executions `fct_measured_savings` computes again: the days that
    the facts changed, those of other attempts at the same tasks, and those of executions that were
    compared with an attempt on such a day. -#}
{% macro pending_measured_days() -%}
    {{ pending_decided_days() }}
    union
    select
        siblings.organization_id,
        siblings.metric_date
    from {{ ref('fct_task_executions') }} as siblings
    where
        (siblings.organization_id, siblings.task_id) in (
            select
                executions.organization_id,
                executions.task_id
            from {{ ref('fct_task_executions') }} as executions
            where (executions.organization_id, executions.metric_date) in ({{ pending_decided_days() }})
        )
    union
    select
        measured.organization_id,
        measured.metric_date
    from {{ this }} as measured
    where (measured.organization_id, measured.measured_metric_date) in ({{ pending_decided_days() }})
{%- endmacro %}
