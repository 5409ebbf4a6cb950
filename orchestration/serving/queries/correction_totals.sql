-- What corrections came to, by reason.
select
    reason,
    count(*) as corrections,
    sum(cost_delta_usd) as cost_delta_usd,
    sum(baseline_cost_delta_usd) as baseline_cost_delta_usd,
    sum(savings_delta_usd) as savings_delta_usd,
    min(corrected_at) as first_corrected_at,
    max(corrected_at) as last_corrected_at
from marts.fct_cost_corrections
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
group by reason
order by reason
