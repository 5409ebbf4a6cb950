{#- Statement: write into the model's record every input of one kind that is not there yet. -#}
{% macro take_in(model_name, input_kind, input_id, relation) -%}
    insert into {{ ref('int_model_inputs') }}
        (model_name, input_kind, input_id, build_id, invocation_id, taken_in_at)
    select distinct
        '{{ model_name }}' as model_name,
        '{{ input_kind }}' as input_kind,
        {{ input_id }} as input_id,
        {{ next_build() }} as build_id,
        '{{ invocation_id }}' as invocation_id,
        current_timestamp as taken_in_at
    from {{ relation }} as inputs
    where {{ not_taken_in(model_name, input_kind, input_id) }};
{%- endmacro %}
