-- The sealed months of every organization that have no link yet, from the first one with a digest
-- on, also those in which nothing was. A month that was sealed in an earlier transaction is proved as
-- it stands now.
with sealed as (

    select
        organization_id,
        cast(date_trunc('month', cast(max(sealed_until) as timestamp)) as date) as sealed_month
    from ledger.sealed_organizations
    group by organization_id

),

first_months as (

    select
        organization_id,
        date_trunc('month', cast(min(metric_date) as timestamp)) as first_month
    from ledger.day_digests
    group by organization_id

),

linked as (

    select
        organization_id,
        max(month) + interval '1 month' as linked_until
    from ledger.month_links
    where strand = 'figures'
    group by organization_id

)

select
    sealed.organization_id,
    cast(months.month as date) as month,
    (
        select min(sealings.sealed_at)
        from ledger.sealed_organizations as sealings
        where
            sealings.organization_id = sealed.organization_id
            and sealings.sealed_until >= months.month + interval '1 month'
    ) < current_timestamp as was_sealed_before
from sealed
inner join first_months on sealed.organization_id = first_months.organization_id
left join linked on sealed.organization_id = linked.organization_id
cross join lateral generate_series(
    coalesce(linked.linked_until, first_months.first_month),
    cast(sealed.sealed_month as timestamp) - interval '1 month',
    interval '1 month'
) as months (month)
order by sealed.organization_id, months.month
