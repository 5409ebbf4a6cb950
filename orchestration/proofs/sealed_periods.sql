-- Of every organization of which days are sealed: the days and the months that have no digests yet,
-- from the first one that can have any until the first one that is open. Months are sealed whole; the
-- days that stand behind the last one belong to a month that is sealed later.
with sealed as (

    select
        organization_id,
        max(sealed_until) as sealed_until,
        cast(date_trunc('month', cast(max(sealed_until) as timestamp)) as date) as sealed_month
    from ledger.sealed_organizations
    group by organization_id

),

linked as (

    select
        organization_id,
        cast(max(month) + interval '1 month' as date) as linked_until
    from ledger.month_links
    where strand = 'figures'
    group by organization_id

),

digested as (

    select
        organization_id,
        max(metric_date) + 1 as digested_until
    from ledger.day_digests
    group by organization_id

)

select
    sealed.organization_id,
    greatest(
        coalesce(linked.linked_until, '0001-01-01'), coalesce(digested.digested_until, '0001-01-01')
    ) as first_day,
    sealed.sealed_until,
    coalesce(linked.linked_until, '0001-01-01') as first_month,
    sealed.sealed_month
from sealed
left join linked on sealed.organization_id = linked.organization_id
left join digested on sealed.organization_id = digested.organization_id
where coalesce(linked.linked_until < sealed.sealed_month, true)
