{#- Subquery: the builds of the fact table that the model `this` has not taken in yet. A model that reads
    others as well names them in `after`, so that it never runs ahead of any. -#}
{% macro pending_runs(after=[]) -%}
    with runs as (
        select invocation_id
        from {{ ref('int_model_inputs') }}
        where model_name = 'fct_task_executions'
        union
        select invocation_id
        from {{ ref('int_touched_organization_days') }}
    )
    select runs.invocation_id
    from runs
    where
        {{ not_taken_in(this.identifier, 'run', 'runs.invocation_id') }}
        {%- for model_name in after %}
        and {{ taken_in(model_name, 'run', 'runs.invocation_id') }}
        {%- endfor %}
{%- endmacro %}
