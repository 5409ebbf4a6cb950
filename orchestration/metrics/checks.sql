-- One row per rule: its last result.

select distinct on (suite, rule)
    suite,
    rule,
    severity,
    broken_rows,
    extract(epoch from checked_at) as checked_at
from quality.check_results
order by suite, rule, checked_at desc
