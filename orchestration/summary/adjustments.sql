select
    count(*) as adjustments,
    count(*) filter (where amount_usd is null) as unknown_adjustments,
    coalesce(sum(amount_usd), 0) as adjustments_usd
from marts.fct_adjustments
where
    (cast(%(organization_id)s as uuid) is null or organization_id = %(organization_id)s)
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
