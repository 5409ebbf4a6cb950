-- A returned row is a baseline policy that was edited or deleted after it was first built: another
-- policy is a new row. Put the row back as it was; its notes may be reworded.

{{ config(meta={'dagster': {'ref': {'name': 'baseline_policies_history'}}}) }}

{{ edited_or_deleted_rows(
    book=ref('baseline_policies'),
    history=ref('baseline_policies_history'),
    key=['organization_id', 'effective_from', 'recorded_at'],
    numbers=[],
    texts=['policy', 'baseline_provider', 'baseline_model', 'effective_until'],
) }}
