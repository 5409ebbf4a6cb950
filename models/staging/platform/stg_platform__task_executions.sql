-- Grain: one row per landed event; an execution has one event per version, and copies of them.
-- Without a `with`, which would keep the planner from looking a few of millions up through their
-- indexes.

{{
    config(
        post_hook='''
            {{ refresh_statistics(
                source("platform", "task_executions"), "_load_id, id, organization_id, user_id, routing_decision_id"
            ) }}
        '''
    )
}}

select
    event_id,
    id as execution_id,
    organization_id,
    user_id,
    task_id,
    task_type,
    provider,
    model,
    service_tier,
    region,
    status,
    start_time,
    end_time,
    updated_at,
    session_id,
    correlation_id,
    agent_id,
    workflow_id,
    {{ attribution_columns() }},
    code_language,
    request_type,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    audio_input_tokens,
    image_input_tokens,
    output_tokens,
    reasoning_tokens,
    audio_output_tokens,
    image_output_tokens,
    tokens_used,
    cast(compute_units as numeric(28, 12)) as compute_units,
    -- Whole numbers from before requests could be a fraction.
    cast(coalesce(requests, request_count) as numeric(28, 12)) as request_count,
    other_usage,
    is_bucket,
    is_gateway_cache_hit,
    cast(reported_cost_usd as numeric(20, 12)) as reported_cost_usd,
    cast(quality_score as numeric(13, 12)) as quality_score,
    error_code,
    error_message,
    routing_decision_id,
    _load_id,
    _line_number
from {{ source('platform', 'task_executions') }}
where {{ landed_as_of() }} and {{ of_tenant() }}
