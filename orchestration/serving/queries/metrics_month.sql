-- This month, right to the last landed event; without executions nothing is known of money.
select
    {{ live_figures }}
from (select 1) as one
left join marts.live_organization_month as live on live.organization_id = %(organization_id)s
