-- A returned row is an exchange rate that was edited or deleted after it was first built: another
-- rate is a new row. Put the row back as it was; its notes may be reworded.

{{ config(meta={'dagster': {'ref': {'name': 'exchange_rates_history'}}}) }}

{{ edited_or_deleted_rows(
    book=ref('exchange_rates'),
    history=ref('exchange_rates_history'),
    key=['currency', 'effective_from', 'recorded_at'],
    numbers=['usd_per_unit'],
    texts=['effective_until', 'source'],
) }}
