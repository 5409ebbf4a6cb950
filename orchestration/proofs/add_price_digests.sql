-- Write a digest of the price rows with which the executions of every sealed day were priced, where
-- it has none yet.
insert into ledger.day_digests (
    organization_id, metric_date, strand, relation, columns, price_ids, row_count, row_digests,
    sha256, made_at
)
with periods as (

{periods}
),

priced as (

    select distinct
        organization_id,
        metric_date,
        {kept_in}
    from marts.fct_task_executions
    inner join periods using (organization_id)
    where metric_date >= periods.first_day and metric_date < periods.until_day

),

used as (

    select distinct
        organization_id,
        metric_date,
        unnest({used}) as {key}
    from priced

),

hashed as (

    select
        {key},
        {row_sha256} as row_sha256
    from {relation}
    -- It stays a query of its own, whose rows are hashed once.
    offset 0

),

days as (

    select
        used.organization_id,
        used.metric_date,
        array_agg({key} order by {key} collate "C") as price_ids,
        count(*) as row_count,
        string_agg(hashed.row_sha256, '' order by hashed.row_sha256) as row_digests
    from used
    inner join hashed using ({key})
    group by used.organization_id, used.metric_date

)

select
    organization_id,
    metric_date,
    'figures' as strand,
    %(relation)s as relation,
    %(columns)s as columns,
    price_ids,
    row_count,
    row_digests,
    encode(sha256(row_digests), 'hex') as sha256,
    %(made_at)s as made_at
from days
order by organization_id, metric_date
