-- What has left of every month.
select
    organization_id,
    cast(date_trunc('month', cast(metric_date as timestamp)) as date) as month,
    relation,
    cast(removed_at at time zone 'UTC' as date) as removed_on,
    cast(sum(row_count) as bigint) as row_count
from ledger.removed_details
group by
    organization_id,
    date_trunc('month', cast(metric_date as timestamp)),
    relation,
    cast(removed_at at time zone 'UTC' as date)
order by organization_id, month, removed_on, relation
