-- What was saved in a period, before and after the cost of choosing.
with usage as (

    {{ usage }}

),

net_savings as (

    {{ net_savings }}

),

net as (

    select
        coalesce(sum(negative_savings_tasks), 0) as negative_savings_tasks,
        coalesce(sum(unknown_overhead_tasks), 0) as unknown_overhead_tasks,
        sum(total_net_savings_usd) as net_savings_usd
    from net_savings

),

total as (

    select
        {{ sums }}
    from usage

)

select
    total.*,
    net.net_savings_usd,
    net.unknown_overhead_tasks,
    net.negative_savings_tasks
from total
cross join net
