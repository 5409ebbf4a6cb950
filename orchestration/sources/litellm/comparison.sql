-- One row per day, in UTC: requests and spend in the daily totals, which LiteLLM adds up beside its logs, and in the
-- logs themselves. Of the daily totals some keys have several rows.
with daily as (

    select
        cast(date as date) as day,
        sum(api_requests) as requests,
        sum(cast(cast(spend as text) as numeric)) as spend_usd
    from {daily}
    where cast(date as date) >= %(since)s
    group by cast(date as date)

),

logs as (

    select
        cast("startTime" as date) as day,
        count(*) as requests,
        sum(cast(cast(spend as text) as numeric)) as spend_usd
    from "LiteLLM_SpendLogs"
    where "startTime" >= %(since)s
    group by cast("startTime" as date)

)

select
    day,
    cast(daily.requests as bigint) as daily_requests,
    daily.spend_usd as daily_spend_usd,
    logs.requests as logged_requests,
    logs.spend_usd as logged_spend_usd
from daily
full join logs using (day)
order by day
