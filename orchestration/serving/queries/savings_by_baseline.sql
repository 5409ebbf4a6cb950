-- What was saved against each model that work was compared with.
with usage as (

    {{ usage }}

)

select
    baseline_provider,
    baseline_model,
    {{ sums }}
from usage
where compared_tasks > 0
group by baseline_provider, baseline_model
order by savings_usd desc, baseline_provider, baseline_model
