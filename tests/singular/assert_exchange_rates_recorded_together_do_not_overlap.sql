-- A returned row is a pair of rates of one currency that claim the same moment and were recorded at
-- the same time, so that nothing says which of them corrects the other.

{{ overlapping_rows(
    book=ref('exchange_rates'),
    scope=['currency'],
) }}
