-- Record what this transaction has sealed, by organization.
select
    audit.record(
        'seal',
        resource_type => 'organization',
        resource_id => cast(organization_id as text),
        organization_id => organization_id,
        details => jsonb_build_object('sealed_until', sealed_until)
    )
from ledger.sealed_organizations
where xmin = cast(pg_current_xact_id() as xid)
