{#- Subquery: inputs of the relation that are not in the model's record yet. -#}
{% macro inputs_come(model_name, input_kind, relation, key) -%}
    select current_inputs.{{ key }}
    from {{ relation }} as current_inputs
    where {{ not_taken_in(model_name, input_kind, 'current_inputs.' ~ key) }}
{%- endmacro %}
