{#- Condition: this input is not yet in the model's record. -#}
{% macro not_taken_in(model_name, input_kind, input_id) -%}
    not {{ taken_in(model_name, input_kind, input_id) }}
{%- endmacro %}
