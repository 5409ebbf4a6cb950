-- Grain: one row per run of `warehouse check` and rule.

select
    check_id,
    suite,
    rule,
    severity,
    is_full,
    is_success,
    broken_rows,
    limit_value,
    checked_at
from {{ source('quality', 'check_results') }}
where
    {{ known_as_of('checked_at') }}
    -- Checks look at the marts of all organizations.
    and {{ 'false' if tenant_organizations() else 'true' }}
