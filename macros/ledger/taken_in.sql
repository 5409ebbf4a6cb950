{#- Condition: this input is in the model's record. -#}
{% macro taken_in(model_name, input_kind, input_id) -%}
    exists (
        select 1
        from {{ ref('int_model_inputs') }} as taken_in
        where
            taken_in.model_name = '{{ model_name }}'
            and taken_in.input_kind = '{{ input_kind }}'
            and taken_in.input_id = {{ input_id }}
    )
{%- endmacro %}
