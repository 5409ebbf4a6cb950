-- A returned row is a pair of usage prices of one scope that claim the same moment and were
-- recorded at the same time, so that nothing says which of them corrects the other.

{{ overlapping_rows(
    book=ref('usage_prices'),
    scope=['provider', 'model', 'usage', 'service_tier', 'organization_id', 'context_over_tokens'],
) }}
