-- Grain: one row per run of dbt on these schemas that came to its end.

select
    invocation_id,
    command,
    started_at,
    ended_at,
    node_count,
    failed_count
from {{ source('ledger', 'finished_builds') }}
where
    target_schema = '{{ target.schema }}'
    and {{ known_as_of('ended_at') }}
