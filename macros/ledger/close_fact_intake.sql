{#- Last post-hook of `fct_task_executions`: what it has just used goes into its record, in the
    transaction that wrote its rows: both stand or neither. -#}
{% macro close_fact_intake() -%}
    {{ take_in(this.identifier, 'load', 'cast(inputs.load_id as text)', ref('stg_platform__loads')) }}
    {%- for input_kind, relation, key in [
        ('price', ref('int_prices'), 'price_id'),
        ('policy', ref('int_baseline_policies'), 'policy_id'),
        ('alias', ref('int_model_aliases'), 'model_alias_id'),
    ] %}
    {{ forget_inputs_gone(this.identifier, input_kind, relation, key) }}
    {{ take_in(this.identifier, input_kind, 'inputs.' ~ key, relation) }}
    {%- endfor %}
    delete from {{ ref('int_execution_work') }};
{%- endmacro %}
