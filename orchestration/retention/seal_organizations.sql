-- Seal the days of every organization of which anything happened before the moment, now or at an
-- earlier sealing: the day that it cuts in two is sealed whole. An organization of which nothing is
-- there stays open, whatever arrives of it later. A change of time zone may have put an earlier
-- start on a later day.
insert into ledger.sealed_organizations (organization_id, sealed_until)
with zones as (

    select
        organizations.organization_id,
        coalesce(versions.timezone, 'UTC') as timezone
    from marts.dim_organizations as organizations
    left join intermediate.int_organization_versions as versions
        on
            organizations.organization_id = versions.organization_id
            and versions.valid_from < %(sealed_before)s
            and versions.valid_until >= %(sealed_before)s

),

last_days as (

    select
        organization_id,
        max(metric_date) as last_day
    from marts.fct_task_executions
    where start_time < %(sealed_before)s
    group by organization_id

),

deciding as (

    select distinct organization_id
    from marts.fct_routing_decisions
    where decision_timestamp < %(sealed_before)s

),

known as (

    select
        organization_id,
        max(sealed_until) as sealed_until
    from ledger.sealed_organizations
    group by organization_id

)

select
    zones.organization_id,
    greatest(
        cast(
            (%(sealed_before)s - interval '1 microsecond') at time zone zones.timezone as date
        ) + 1,
        last_days.last_day + 1
    ) as sealed_until
from zones
left join last_days on zones.organization_id = last_days.organization_id
left join deciding on zones.organization_id = deciding.organization_id
left join known on zones.organization_id = known.organization_id
where
    coalesce(last_days.organization_id, deciding.organization_id, known.organization_id) is not null
    -- The first open day lies in the month that begins when the last sealed one ends.
    and coalesce(
        date_trunc('month', cast(known.sealed_until as timestamp)) at time zone 'UTC'
        < %(sealed_before)s,
        true
    )
