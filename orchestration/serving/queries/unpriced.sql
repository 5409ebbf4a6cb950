-- What has no price, and why, by model.
with unpriced as (

    {{ unpriced_usage }}

)

select
    provider,
    model,
    reason,
    cast(sum(tasks) as bigint) as tasks,
    cast(sum(total_tokens) as numeric(28, 0)) as total_tokens,
    min(metric_date) as first_seen_date,
    max(metric_date) as last_seen_date
from unpriced
group by provider, model, reason
order by tasks desc, provider asc, model asc, reason asc
