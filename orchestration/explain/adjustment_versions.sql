-- Every landed version, copies and those of other organizations too, in the order in which the
-- source wrote them.
select
    versions.event_id,
    versions.updated_at,
    versions.organization_id,
    versions.reason,
    versions.amount,
    versions.currency,
    versions.effective_at,
    versions._load_id as load_id,
    loads.source_name,
    versions._line_number as line_number,
    loads.landed_at
from raw.adjustments as versions
left join raw.loads as loads on versions._load_id = loads.load_id
where versions.id = %(id)s
order by versions.updated_at, versions.event_id, versions._load_id, versions._line_number
