-- Grain: one row per pending execution: its latest landed version. Later is decided by the source's
-- own `updated_at`, never by the order of arrival; copies of one event differ in nothing else.

with versions as (

    select task_executions.*
    from {{ ref('stg_platform__task_executions') }} as task_executions
    where
        task_executions.execution_id in (
            select pending.execution_id from {{ ref('int_pending_executions') }} as pending
        )

),

ranked as (

    select
        *,
        row_number() over (
            partition by execution_id
            order by updated_at desc, event_id desc, _load_id desc, _line_number desc
        ) = 1 as is_latest
    from versions

),

final as (

    select
        execution_id,
        event_id,
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
        compute_units,
        request_count,
        other_usage,
        is_bucket,
        is_gateway_cache_hit,
        reported_cost_usd,
        quality_score,
        error_code,
        routing_decision_id,
        -- Attempts that share a decision: only the first bears what the decision itself cost.
        row_number() over (
            partition by routing_decision_id
            order by start_time, execution_id
        ) as attempt_of_decision
    from ranked
    where is_latest

)

select * from final
