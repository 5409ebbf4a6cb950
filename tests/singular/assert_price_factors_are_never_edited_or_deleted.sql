-- A returned row is a row of the price factors that was edited or deleted after it was first built:
-- a correction is a row recorded later. Put the row back as it was; its notes may be reworded.

{{ config(meta={'dagster': {'ref': {'name': 'price_factors_history'}}}) }}

{{ edited_or_deleted_rows(
    book=ref('price_factors'),
    history=ref('price_factors_history'),
    key=[
        'kind', 'provider', 'model', 'service_tier', 'region', 'organization_id', 'hours',
        'effective_from', 'recorded_at',
    ],
    numbers=['factor'],
    texts=['effective_until', 'source'],
) }}
