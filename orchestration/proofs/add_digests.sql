-- Write a digest of every sealed day that has none yet.
insert into ledger.day_digests (
    organization_id, metric_date, strand, relation, columns, row_count, row_digests, sha256, made_at
)
with periods as (

{periods}
),

hashed as (

    select
        organization_id,
        {day} as metric_date,
        {row_sha256} as row_sha256
    from {relation}
    inner join periods using (organization_id)
    where {day} >= periods.first_day and {day} < periods.until_day
    -- It stays a query of its own, whose rows are hashed once.
    offset 0

),

days as (

    select
        organization_id,
        metric_date,
        count(*) as row_count,
        string_agg(row_sha256, '' order by row_sha256) as row_digests
    from hashed
    group by organization_id, metric_date

)

select
    organization_id,
    metric_date,
    %(strand)s as strand,
    %(relation)s as relation,
    %(columns)s as columns,
    row_count,
    row_digests,
    encode(sha256(row_digests), 'hex') as sha256,
    %(made_at)s as made_at
from days
order by organization_id, metric_date
