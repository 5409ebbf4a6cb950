-- Every month of an organization that is sealed whole, and of which something is known, with what is
-- recorded of it.
with sealed as (

    select
        organization_id,
        max(sealed_until) as sealed_until
    from ledger.sealed_organizations
    group by organization_id

),

known_days as (

    select
        organization_id,
        metric_date
    from ledger.day_digests
    union all
    select
        organization_id,
        month
    from ledger.month_links
    union all
    select
        organization_id,
        metric_date
    from ledger.sealed_executions

),

first_months as (

    select
        organization_id,
        date_trunc('month', cast(min(metric_date) as timestamp)) as first_month
    from known_days
    group by organization_id

),

months as (

    select
        sealed.organization_id,
        sealed.sealed_until,
        cast(months.month as date) as month,
        cast(months.month + interval '1 month' as date) as month_end
    from sealed
    inner join first_months on sealed.organization_id = first_months.organization_id
    cross join lateral generate_series(
        first_months.first_month,
        date_trunc('month', cast(sealed.sealed_until as timestamp)) - interval '1 month',
        interval '1 month'
    ) as months (month)

),

digested as (

    select
        organization_id,
        date_trunc('month', cast(metric_date as timestamp)) as month,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(row_count) filter (where relation = 'marts.fct_task_executions') as bigint)
            as executions,
        cast(sum(row_count) filter (where relation = 'ledger.sealed_executions') as bigint)
            as sealed_executions
    from ledger.day_digests
    where strand = 'figures'
    group by organization_id, date_trunc('month', cast(metric_date as timestamp))

)

select
    months.organization_id,
    months.sealed_until,
    months.month,
    (
        select min(sealings.sealed_at)
        from ledger.sealed_organizations as sealings
        where
            sealings.organization_id = months.organization_id
            and sealings.sealed_until >= months.month_end
    ) as sealed_at,
    coalesce(digested.row_count, 0) as row_count,
    coalesce(digested.sealed_executions, 0) - coalesce(digested.executions, 0)
        as undigested_executions,
    (
        select max(digests.metric_date) + 1
        from ledger.day_digests as digests
        where digests.organization_id = months.organization_id
    ) as digested_until
from months
left join digested
    on months.organization_id = digested.organization_id and months.month = digested.month
order by months.organization_id, months.month
