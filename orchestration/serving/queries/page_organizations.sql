-- Every organization this month, with how many of its alerts are open.
with alerts as (

    select
        organization_id,
        count(*) as open_alerts
    from marts.fct_alerts
    where is_open
    group by organization_id

)

select
    organizations.organization_id,
    organizations.organization_name,
    organizations.timezone as time_zone,
    organizations.monthly_budget_usd,
    coalesce(months.total_tasks, 0) as total_tasks,
    months.total_spend_usd,
    months.total_savings_usd,
    months.savings_percentage,
    coalesce(months.unpriced_tasks, 0) as unpriced_tasks,
    round(
        1 - months.unpriced_tasks / nullif(cast(months.total_tasks as numeric), 0), 6
    ) as priced_share,
    coalesce(months.pending_executions, 0) as pending_executions,
    coalesce(alerts.open_alerts, 0) as open_alerts
from marts.dim_organizations as organizations
left join marts.live_organization_month as months
    on organizations.organization_id = months.organization_id
left join alerts
    on organizations.organization_id = alerts.organization_id
order by months.total_spend_usd desc nulls last, organizations.organization_name asc
