-- Grain: one row per load.

select
    load_id,
    source_name,
    content_sha256,
    content_bytes,
    lines_read,
    lines_accepted,
    lines_rejected,
    task_execution_count,
    routing_decision_count,
    organization_count,
    user_count,
    adjustment_count,
    agent_event_count,
    provider_event_count,
    billing_event_count,
    customer_event_count,
    support_event_count,
    web_event_count,
    shadow_evaluation_count,
    started_at,
    landed_at
from {{ source('warehouse', 'loads') }}
where {{ known_as_of('landed_at') }} and {{ landed_of_tenant() }}
