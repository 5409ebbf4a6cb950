{#- Subquery: the builds of the facts that the model of this name took in last: in this very command, or, for
    a `dbt test` of its own, the last time that it took anything in. -#}
{% macro changed_runs(model_name) -%}
    select recorded.input_id
    from {{ ref('int_model_inputs') }} as recorded
    where
        recorded.model_name = '{{ model_name }}'
        and recorded.input_kind = 'run'
        {%- if flags.WHICH == 'build' %}
        and recorded.invocation_id = '{{ invocation_id }}'
        {%- else %}
        and recorded.taken_in_at = (
            select max(latest.taken_in_at)
            from {{ ref('int_model_inputs') }} as latest
            where latest.model_name = '{{ model_name }}' and latest.input_kind = 'run'
        )
        {%- endif %}
{%- endmacro %}
