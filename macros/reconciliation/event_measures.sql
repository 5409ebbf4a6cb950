{#- Names of what is added up of landed events; see `raw.event_totals`. -#}
{% macro event_measures() -%}
    {{ return([
        'events', 'input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens',
        'reasoning_tokens', 'unsplit_tokens', 'compute_units', 'requests', 'durations_ms', 'scores',
        'part_tokens', 'other_units', 'amount_usd',
    ]) }}
{%- endmacro %}
