-- Alerts about an organization: the open ones, then those that were.
select
    rule,
    severity,
    period,
    unit,
    observed,
    threshold,
    first_seen_at,
    resolved_at,
    is_open
from marts.fct_alerts
where organization_id = %(organization_id)s
order by
    is_open desc,
    case severity when 'critical' then 1 when 'warning' then 2 else 3 end,
    first_seen_at desc,
    rule
limit %(row_count)s
