-- What each user's executions cost and saved; those without a user stand together. Days of users do
-- not say how many of their executions have a price.
with usage as (

    select
        *,
        cast(null as bigint) as costed_tasks
    from marts.user_days
    where
        organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s

)

select
    user_id,
    max(user_name) as user_name,
    {{ share_of_spend }},
    {{ sums }}
from usage
group by user_id
order by spend_usd desc, user_id
