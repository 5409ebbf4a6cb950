-- A returned row is a pair of policies of one organization that claim the same moment and were
-- recorded at the same time, so that nothing says which of them corrects the other.

{{ overlapping_rows(
    book=ref('baseline_policies'),
    scope=['organization_id'],
) }}
