{#- Subquery: the builds of the fact table that the model `this` has not taken in yet. -#}
{% macro pending_runs() -%}
    select distinct fact_runs.invocation_id
    from {{ ref('int_model_inputs') }} as fact_runs
    where
        fact_runs.model_name = 'fct_task_executions'
        and {{ not_taken_in(this.identifier, 'run', 'fact_runs.invocation_id') }}
    union
    select distinct touched.invocation_id
    from {{ ref('int_touched_organization_days') }} as touched
    where {{ not_taken_in(this.identifier, 'run', 'touched.invocation_id') }}
{%- endmacro %}
