-- One row per severity: alerts that are open.

select
    severities.severity,
    count(alerts.alert_id) as open_alerts
from (values ('critical'), ('warning'), ('info')) as severities (severity)
left join marts.fct_alerts as alerts
    on severities.severity = alerts.severity and alerts.is_open
group by severities.severity
order by severities.severity
