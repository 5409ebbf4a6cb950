-- The adjustment that an id is of, or that has an event of this id. They are few.
select
    id,
    case when id = %(id)s then 'adjustment' else 'adjustment_event' end as found_as
from raw.adjustments
where id = %(id)s or event_id = %(id)s
order by found_as
limit 1
