-- How long everything stays, as the last build said: the limits for all, and those of organizations.
select
    organization_id,
    seal_after_days,
    detail_days,
    hourly_days,
    raw_days,
    audit_days
from intermediate.int_retention_limits
