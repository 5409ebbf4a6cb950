{#- Subquery: the loads that the fact table has taken in and the model `this` has not. A model never
    runs ahead of the facts, so that a load is never marked as done before it is counted. -#}
{% macro pending_loads() -%}
    select cast(fact_loads.input_id as bigint) as load_id
    from {{ ref('int_model_inputs') }} as fact_loads
    where
        fact_loads.model_name = 'fct_task_executions'
        and fact_loads.input_kind = 'load'
        and {{ not_taken_in(this.identifier, 'run', 'fact_loads.invocation_id') }}
{%- endmacro %}
