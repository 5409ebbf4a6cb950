{#- The columns of the price book that change what something costs. A row that differs in one of
    them is another price; its source and notes may be reworded. -#}
{% macro price_book_columns() -%}
    {{ return([
        'provider', 'model', 'task_type', 'service_tier', 'organization_id', 'context_over_tokens',
        'input_usd_per_mtok', 'cached_input_usd_per_mtok', 'cache_write_usd_per_mtok',
        'output_usd_per_mtok', 'usd_per_request', 'usd_per_minute', 'usd_per_compute_unit',
        utc_text('effective_from'), utc_text('effective_until'), utc_text('recorded_at'),
    ]) }}
{%- endmacro %}
