{#- Statement: drop from the model's record the inputs that are gone from where they came from. -#}
{% macro forget_inputs_gone(model_name, input_kind, relation, key) -%}
    delete from {{ ref('int_model_inputs') }}
    where
        model_name = '{{ model_name }}'
        and input_kind = '{{ input_kind }}'
        and input_id in ({{ inputs_gone(model_name, input_kind, relation, key) }});
{%- endmacro %}
