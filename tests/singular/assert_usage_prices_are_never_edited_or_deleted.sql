-- A returned row is a row of the usage prices that was edited or deleted after it was first built:
-- a correction is a row recorded later. Put the row back as it was; its notes may be reworded.

{{ config(meta={'dagster': {'ref': {'name': 'usage_prices_history'}}}) }}

{{ edited_or_deleted_rows(
    book=ref('usage_prices'),
    history=ref('usage_prices_history'),
    key=[
        'provider', 'model', 'usage', 'service_tier', 'organization_id', 'context_over_tokens',
        'effective_from', 'recorded_at',
    ],
    numbers=['usd_per_mtok', 'usd_per_unit'],
    texts=['effective_until', 'source'],
) }}
