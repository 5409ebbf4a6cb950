-- What is recorded, the latest first.
select
    id,
    created_at,
    action,
    login,
    user_id,
    organization_id,
    resource_type,
    resource_id,
    is_denied,
    details,
    host(ip_address) as ip_address,
    user_agent
from audit.audit_log
where
    (cast(%(action)s as text) is null or action = %(action)s)
    and (cast(%(organization_id)s as uuid) is null or organization_id = %(organization_id)s)
    and (is_denied or not %(is_denied)s)
    and (cast(%(since)s as timestamptz) is null or created_at >= %(since)s)
order by created_at desc
limit %(limit)s
