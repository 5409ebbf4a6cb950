-- Hours of sealed days.
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
