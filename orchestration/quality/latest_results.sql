-- The latest result of each rule.
select distinct on (rule)
    rule,
    checked_at,
    is_full,
    is_success,
    broken_rows,
    broken_ids,
    limit_value,
    query
from quality.check_results
order by rule asc, checked_at desc
