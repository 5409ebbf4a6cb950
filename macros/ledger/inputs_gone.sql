{#- Subquery: inputs in the model's record that are no longer in the relation that they came from. -#}
{% macro inputs_gone(model_name, input_kind, relation, key) -%}
    select taken_in.input_id
    from {{ ref('int_model_inputs') }} as taken_in
    where
        taken_in.model_name = '{{ model_name }}'
        and taken_in.input_kind = '{{ input_kind }}'
        and taken_in.input_id not in (select current_inputs.{{ key }} from {{ relation }} as current_inputs)
{%- endmacro %}
