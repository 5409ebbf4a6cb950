select
    *,
    cast(decision_timestamp at time zone 'UTC' as date) as metric_date
from marts.fct_routing_decisions
