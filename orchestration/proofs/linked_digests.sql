    select max(links.last_digest_id) as last_digest_id
    from ledger.month_links as links
    where
        links.organization_id = digests.organization_id
        and links.strand = digests.strand
        and links.month = date_trunc('month', cast(digests.metric_date as timestamp))
