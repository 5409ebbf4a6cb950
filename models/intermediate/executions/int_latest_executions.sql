-- Grain: one row per affected execution: its latest landed version, as `version_order` tells.

with versions as (

    select task_executions.*
    from {{ ref('stg_platform__task_executions') }} as task_executions
    where
        task_executions.execution_id in (
            select affected.execution_id from {{ ref('int_affected_executions') }} as affected
        )

),

claimed as (

    {{ claimed_versions('task_execution', 'versions') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by execution_id
            order by
                {{ version_order('task_execution') }}
        ) = 1 as is_latest
    from claimed

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
            partition by organization_id, routing_decision_id
            order by start_time, execution_id
        ) as attempt_of_decision
    from ranked
    where is_latest

)

select * from final
