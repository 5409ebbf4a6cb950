{#- Subquery: the loads that the facts took in last, as `changed_runs`; with the var `sweep` all of them. -#}
{% macro changed_loads() -%}
    select cast(recorded.input_id as bigint) as load_id
    from {{ ref('int_model_inputs') }} as recorded
    where
        recorded.model_name = 'fct_task_executions'
        and recorded.input_kind = 'load'
        {%- if not var('sweep') and flags.WHICH == 'build' %}
        and recorded.invocation_id = '{{ invocation_id }}'
        {%- elif not var('sweep') %}
        and recorded.taken_in_at = (
            select max(latest.taken_in_at)
            from {{ ref('int_model_inputs') }} as latest
            where latest.model_name = 'fct_task_executions' and latest.input_kind = 'load'
        )
        {%- endif %}
{%- endmacro %}
