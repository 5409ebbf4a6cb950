{#- Subquery: the loads that the facts have processed since the bookmark of the model `this`, all of them where it has
    none. A model never runs ahead of the facts, so that a load is never marked as done before it is counted. -#}
{% macro pending_loads() -%}
    select cast(fact_loads.input_id as bigint) as load_id
    from {{ ref('int_model_inputs') }} as fact_loads
    where
        fact_loads.model_name = 'fct_task_executions'
        and fact_loads.input_kind = 'load'
        and coalesce(fact_loads.build_id, 0) > coalesce({{ bookmark_of(name_of_model()) }}, -1)
{%- endmacro %}
