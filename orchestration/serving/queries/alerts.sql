-- Alerts about an organization, open ones first, of these the gravest.
select
    alert_id,
    rule,
    severity,
    period,
    unit,
    observed,
    threshold,
    first_seen_at,
    last_seen_at,
    resolved_at,
    resolution,
    is_open
from marts.fct_alerts
where
    organization_id = %(organization_id)s
    and (%(is_open)s is null or is_open = %(is_open)s)
order by
    is_open desc,
    array_position(array['critical', 'warning', 'info'], severity) asc,
    first_seen_at desc,
    alert_id asc
limit 500
