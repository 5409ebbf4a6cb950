-- All links, with the hash that each must have.
select
    links.link_id,
    links.organization_id,
    links.strand,
    links.month,
    links.reason,
    links.previous_sha256,
    links.sha256,
    links.made_at,
    links.sha256 = hashes.sha256 as is_right
from ledger.month_links as links
inner join ({hashes}) as hashes on links.link_id = hashes.link_id
order by links.organization_id, links.strand, links.link_id
