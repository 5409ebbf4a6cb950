-- The organizations that have ended and are still held, those that are removed next first. Of those
-- that were removed the record holds a pseudonym.
select
    ended.organization_id,
    names.name,
    ended.remove_on,
    ended.ended_at,
    cast(ended.ended_by as text) as ended_by,
    (
        select cast(coalesce(sum(totals.events), 0) as bigint)
        from ledger.landed_totals as totals
        inner join raw.loads as loads on totals.load_id = loads.load_id
        where
            totals.organization_id = ended.organization_id
            and loads.landed_at > ended.ended_at
    ) as events_since
from ledger.ended_organizations as ended
left join
    lateral (
        select organizations.name
        from raw.organizations as organizations
        where organizations.id = ended.organization_id
        order by organizations.updated_at desc
        limit 1
    ) as names on true
where
    ended.restored_at is null
    and ended.organization_id not in (select erasures.pseudonym from ledger.erasures as erasures)
order by ended.remove_on asc, ended.organization_id asc
