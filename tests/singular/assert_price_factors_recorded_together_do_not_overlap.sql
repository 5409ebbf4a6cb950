-- A returned row is a pair of factors of one scope that claim the same moment and were recorded at
-- the same time, so that nothing says which of them corrects the other.

{{ overlapping_rows(
    book=ref('price_factors'),
    scope=['kind', 'provider', 'model', 'service_tier', 'region', 'organization_id', 'hours'],
) }}
