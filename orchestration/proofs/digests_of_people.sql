-- Write a digest of every day of which people are other ones than its last digest has.
insert into ledger.day_digests (
    organization_id, metric_date, strand, relation, columns, row_count, row_digests, sha256, made_at
)
with latest as (

    select distinct on (metric_date) *
    from ledger.day_digests
    where
        organization_id = %(organization)s
        and strand = 'people'
        and relation = %(relation)s
    order by metric_date, digest_id desc

),

hashed as (

    select
        {day} as metric_date,
        {row_sha256} as row_sha256
    from {relation}
    where organization_id = %(organization)s

),

days as (

    select
        metric_date,
        count(*) as row_count,
        string_agg(row_sha256, '' order by row_sha256) as row_digests
    from hashed
    where metric_date in (select known.metric_date from latest as known)
    group by metric_date

)

select
    latest.organization_id,
    latest.metric_date,
    latest.strand,
    latest.relation,
    latest.columns,
    days.row_count,
    days.row_digests,
    encode(sha256(days.row_digests), 'hex') as sha256,
    %(made_at)s as made_at
from latest
inner join days on latest.metric_date = days.metric_date
where
    latest.columns = %(columns)s
    and latest.sha256 <> encode(sha256(days.row_digests), 'hex')
order by latest.metric_date
