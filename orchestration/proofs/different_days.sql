-- The days of which what stands in the relation is not what the digest was made of, and not all of it
-- has left either.
with periods as (

{periods}
),

latest as (

{stored_digests}
),

stored as (

    select * from latest where columns = %(columns)s

),

removed as (

    select
        stored.organization_id,
        stored.metric_date,
        cast(sum(removals.row_count) as bigint) as row_count
    from stored
    inner join ledger.removed_details as removals
        on
            stored.organization_id = removals.organization_id
            and stored.metric_date = removals.metric_date
            and stored.relation = removals.relation
            and stored.made_at < removals.removed_at
    group by stored.organization_id, stored.metric_date

),

hashed as (

{hashed_rows}
),

present as (

    select
        organization_id,
        metric_date,
        encode(sha256(string_agg(row_sha256, '' order by row_sha256)), 'hex') as sha256
    from hashed
    group by organization_id, metric_date

)

select
    stored.organization_id,
    stored.metric_date,
    stored.row_digests,
    stored.price_ids,
    coalesce(removed.row_count, 0) as removed_rows
from stored
left join removed using (organization_id, metric_date)
left join present using (organization_id, metric_date)
where
    present.sha256 is distinct from stored.sha256
    and (present.sha256 is not null or removed.row_count is distinct from stored.row_count)
order by stored.organization_id, stored.metric_date
