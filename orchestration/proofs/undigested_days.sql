-- The days of which something stands in the relation, and no digest.
with periods as (

{periods}
),

latest as (

{stored_digests}
),

present as (

    select
        organization_id,
        {day} as metric_date,
        count(*) as row_count
    from {relation}
    inner join periods using (organization_id)
    where {day} >= periods.first_day and {day} < periods.until_day
    group by organization_id, {day}

)

select
    present.organization_id,
    present.metric_date,
    present.row_count
from present
left join latest using (organization_id, metric_date)
where latest.digest_id is null
order by present.organization_id, present.metric_date
