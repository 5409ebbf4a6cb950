select
    adjustments.adjustment_id,
    adjustments.event_id,
    adjustments.updated_at,
    adjustments.organization_id,
    organizations.organization_name,
    adjustments.user_id,
    users.user_name,
    adjustments.reason,
    adjustments.provider,
    adjustments.model,
    adjustments.reference,
    adjustments.effective_at,
    adjustments.period_start,
    adjustments.period_end,
    adjustments.metric_date,
    adjustments.reporting_timezone,
    adjustments.amount,
    adjustments.currency,
    adjustments.exchange_rate_id,
    adjustments.amount_status,
    adjustments.amount_usd
from marts.fct_adjustments as adjustments
left join marts.dim_organizations as organizations
    on adjustments.organization_id = organizations.organization_id
left join marts.dim_users as users
    on
        adjustments.organization_id = users.organization_id
        and adjustments.user_id = users.user_id
where adjustments.adjustment_id = %(id)s
