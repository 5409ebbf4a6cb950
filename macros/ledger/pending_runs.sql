{#- Subquery: the builds of the fact table that the model `this` has not taken in yet. A model that reads
    another one as well names it as `after`, so that it never runs ahead of either. -#}
{% macro pending_runs(after=none) -%}
    select distinct fact_runs.invocation_id
    from {{ ref('int_model_inputs') }} as fact_runs
    where
        fact_runs.model_name = 'fct_task_executions'
        and {{ not_taken_in(this.identifier, 'run', 'fact_runs.invocation_id') }}
        {%- if after %}
        and {{ taken_in(after, 'run', 'fact_runs.invocation_id') }}
        {%- endif %}
    union
    select distinct touched.invocation_id
    from {{ ref('int_touched_organization_days') }} as touched
    where
        {{ not_taken_in(this.identifier, 'run', 'touched.invocation_id') }}
        {%- if after %}
        and {{ taken_in(after, 'run', 'touched.invocation_id') }}
        {%- endif %}
{%- endmacro %}
