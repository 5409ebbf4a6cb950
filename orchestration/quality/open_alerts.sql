-- One row per open alert. Failed builds are told by the sensor of failed runs, which knows why.

select
    alerts.dedup_key,
    alerts.severity,
    alerts.rule,
    alerts.organization_id,
    organizations.organization_name as organization,
    alerts.period,
    alerts.observed,
    alerts.threshold,
    alerts.unit,
    alerts.first_seen_at
from marts.fct_alerts as alerts
left join marts.dim_organizations as organizations
    on alerts.organization_id = organizations.organization_id
where alerts.is_open and alerts.rule <> 'builds_succeed'
order by
    case alerts.severity when 'critical' then 1 when 'warning' then 2 else 3 end,
    alerts.dedup_key
