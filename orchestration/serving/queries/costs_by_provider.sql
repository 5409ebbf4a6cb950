-- What each provider cost and saved.
with usage as (

    {{ usage }}

)

select
    provider,
    {{ share_of_spend }},
    {{ sums }}
from usage
group by provider
order by spend_usd desc nulls last, provider
