-- An organization's open alerts.
select count(*) as open_alerts
from marts.fct_alerts
where organization_id = %(organization_id)s and is_open
