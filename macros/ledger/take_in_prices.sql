{#- Statements: the prices, policies and names of models that the model `this` has just used go into its
    record, and those that are gone leave it. -#}
{% macro take_in_prices() -%}
    {%- for input_kind, relation, key in [
        ('price', ref('int_prices'), 'price_id'),
        ('usage price', ref('int_usage_prices'), 'usage_price_id'),
        ('price factor', ref('int_price_factors'), 'price_factor_id'),
        ('policy', ref('int_baseline_policies'), 'policy_id'),
        ('alias', ref('int_model_aliases'), 'model_alias_id'),
    ] %}
    {{ forget_inputs_gone(this.identifier, input_kind, relation, key) }}
    {{ take_in(this.identifier, input_kind, 'inputs.' ~ key, relation) }}
    {%- endfor %}
{%- endmacro %}
