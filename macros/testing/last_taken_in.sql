{#- Subquery: the inputs of one kind that the model of this name took in last: in this very command, or, for a
    `dbt test` of its own, the last time that it took any in. With the var `sweep` all of them. -#}
{% macro last_taken_in(model_name, input_kind) -%}
    select recorded.input_id
    from {{ ref('int_model_inputs') }} as recorded
    where
        recorded.model_name = '{{ model_name }}'
        and recorded.input_kind = '{{ input_kind }}'
        {%- if not var('sweep') and flags.WHICH == 'build' %}
        and recorded.invocation_id = '{{ invocation_id }}'
        {%- elif not var('sweep') %}
        and recorded.taken_in_at = (
            select max(latest.taken_in_at)
            from {{ ref('int_model_inputs') }} as latest
            where latest.model_name = '{{ model_name }}' and latest.input_kind = '{{ input_kind }}'
        )
        {%- endif %}
{%- endmacro %}
