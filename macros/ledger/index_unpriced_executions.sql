{#- Statements: partial indexes that find executions whose model had no price, or none yet, or whose
    baseline had none. As for `index_open_executions`, only a new table needs them. -#}
{% macro index_unpriced_executions() -%}
    {%- if not is_incremental() -%}
    {%- for name, status in [
        ('unpriced', 'pricing_status'), ('unpriced_baseline', 'baseline_pricing_status')
    ] %}
    create index "{{ name ~ '_' ~ invocation_id }}" on {{ this }} ({{ status }})
    where {{ status }} in ('before_first_price', 'no_price_for_model');
    {%- endfor %}
    {%- endif -%}
{%- endmacro %}
