-- Hours of sealed days.
with removed as (

    delete from intermediate.int_organization_hours as hours
    using (
        select
            organization_id,
            max(sealed_until) as sealed_until
        from ledger.sealed_organizations
        group by organization_id
    ) as sealed_days
    where
        hours.organization_id = sealed_days.organization_id
        and hours.metric_date < sealed_days.sealed_until
        and hours.hour_start < %(before)s
    returning
        hours.organization_id,
        hours.metric_date as metric_date

)

insert into ledger.removed_details (organization_id, metric_date, relation, row_count)
select
    organization_id,
    metric_date,
    'intermediate.int_organization_hours' as relation,
    count(*) as row_count
from removed
group by organization_id, metric_date
returning row_count
