-- When something last landed and was built, and how the latest checks of all rules went.
with checks as (

    select distinct on (rule)
        rule,
        severity,
        is_success,
        checked_at
    from quality.check_results
    order by rule asc, checked_at desc

),

counted as (

    select
        count(*) as checked_rules,
        count(*) filter (where not is_success and severity = 'critical') as broken_critical_rules,
        count(*) filter (where not is_success and severity <> 'critical') as broken_other_rules,
        max(checked_at) as last_checked_at
    from checks

)

select
    freshness.last_landed_at,
    freshness.last_built_at,
    counted.checked_rules,
    counted.broken_critical_rules,
    counted.broken_other_rules,
    counted.last_checked_at
from counted
cross join marts.live_freshness as freshness
