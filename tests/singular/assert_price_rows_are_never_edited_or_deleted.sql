-- A returned row is a row of the price book that was edited or deleted after it was first built:
-- the days that it priced may be closed, so a correction is a row recorded later. Put the
-- row back as it was; its notes may be reworded.

{{ config(meta={'dagster': {'ref': {'name': 'provider_pricing_history'}}}) }}

{{ edited_or_deleted_rows(
    book=ref('provider_pricing'),
    history=ref('provider_pricing_history'),
    key=[
        'provider', 'model', 'task_type', 'service_tier', 'organization_id', 'context_over_tokens',
        'effective_from', 'recorded_at',
    ],
    numbers=[
        'input_usd_per_mtok', 'cached_input_usd_per_mtok', 'cache_write_usd_per_mtok',
        'output_usd_per_mtok', 'usd_per_request', 'usd_per_minute', 'usd_per_compute_unit',
    ],
    texts=['effective_until', 'source'],
) }}
