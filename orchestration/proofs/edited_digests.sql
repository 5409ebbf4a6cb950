-- Digests that are not over the hashes of rows beside them, that lack these without a later digest,
-- or that were added beside the links.
select
    digests.digest_id,
    digests.organization_id,
    digests.metric_date,
    digests.relation,
    digests.strand,
    coalesce(digests.digest_id > linked.last_digest_id, false) as is_beside_links
from ledger.day_digests as digests
left join lateral (
{linked_digests}) as linked on true
where
    digests.organization_id = any(%(organizations)s)
    and (
        encode(sha256(digests.row_digests), 'hex') <> digests.sha256
        or length(digests.row_digests) <> 32 * digests.row_count
        or digests.digest_id > linked.last_digest_id
        or (
            digests.row_digests is null
            and not exists (
                select 1
                from ledger.day_digests as later
                where
                    later.organization_id = digests.organization_id
                    and later.metric_date = digests.metric_date
                    and later.strand = digests.strand
                    and later.relation = digests.relation
                    and later.strand = 'people'
                    and later.digest_id > digests.digest_id
            )
        )
    )
order by digests.digest_id
