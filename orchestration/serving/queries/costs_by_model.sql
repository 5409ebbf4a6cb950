-- What each model cost and saved, under the name that the provider gives it.
with usage as (

    {{ usage }}

)

select
    provider,
    model,
    {{ share_of_spend }},
    {{ sums }}
from usage
group by provider, model
order by spend_usd desc nulls last, provider, model
