-- A returned row is a pair of prices of one scope that claim the same moment and were recorded at
-- the same time, so that nothing says which of them corrects the other.

{{ overlapping_rows(
    book=ref('provider_pricing'),
    scope=[
        'provider', 'model', 'task_type', 'service_tier', 'organization_id', 'context_over_tokens',
    ],
) }}
