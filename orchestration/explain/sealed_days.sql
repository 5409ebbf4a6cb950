-- The landed versions of an execution that began on a day which is sealed for their organization.
select versions.event_id
from raw.task_executions as versions
inner join intermediate.int_sealed_days as sealed
    on versions.organization_id = sealed.organization_id
left join intermediate.int_organization_versions as zones
    on
        versions.organization_id = zones.organization_id
        and versions.start_time >= zones.valid_from
        and versions.start_time < zones.valid_until
where
    versions.id = %(id)s
    and (
        versions.start_time < sealed.sealed_before
        or cast(versions.start_time at time zone coalesce(zones.timezone, 'UTC') as date)
        < sealed.sealed_until
    )
