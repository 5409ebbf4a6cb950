{#- The kinds of tokens that have prices of their own in `usage_prices.csv`, each with the rate of the whole that it
    is a part of: a price row without a rate charges that one. -#}
{% macro token_parts() -%}
    {{ return({
        'cache_write_1h_tokens': 'cache_write_usd_per_token',
        'audio_input_tokens': 'input_usd_per_token',
        'image_input_tokens': 'input_usd_per_token',
        'audio_output_tokens': 'output_usd_per_token',
        'image_output_tokens': 'output_usd_per_token',
    }) }}
{%- endmacro %}
