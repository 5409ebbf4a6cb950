    select distinct on (digests.organization_id, digests.metric_date) digests.*
    from ledger.day_digests as digests
    inner join periods on digests.organization_id = periods.organization_id
    left join lateral (
{linked_digests}    ) as linked on true
    where
        digests.strand = %(strand)s
        and digests.relation = %(relation)s
        and digests.metric_date >= periods.first_day
        and digests.metric_date < periods.until_day
        -- What was added beside the links proves nothing.
        and digests.digest_id <= coalesce(linked.last_digest_id, digests.digest_id)
    order by digests.organization_id, digests.metric_date, digests.digest_id desc
