-- Grain: one row per execution, its latest version, priced. Executions are replaced by key; which
-- ones is decided by what has landed or changed since the last build, never by their own time.
-- Indexes find an organization's executions in a stretch of time (live views, queries of people), a
-- task's (measured savings), a decision's, those in a stretch of time that a price concerns, and
-- those without an end that may time out. The hooks of an incremental build read these as well:
-- depends_on: {{ ref('int_arrived_executions') }}
-- depends_on: {{ ref('int_arrived_loads') }}
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_cost_changes') }}
-- depends_on: {{ ref('int_execution_changes') }}
-- depends_on: {{ ref('int_execution_decisions') }}
-- depends_on: {{ ref('int_execution_usages') }}
-- depends_on: {{ ref('int_execution_batch') }}
-- depends_on: {{ ref('int_late_changes') }}
-- depends_on: {{ ref('int_late_provider_usage') }}
-- depends_on: {{ ref('int_latest_executions') }}
-- depends_on: {{ ref('int_organization_changes') }}
-- depends_on: {{ ref('int_organization_versions') }}
-- depends_on: {{ ref('int_affected_executions') }}
-- depends_on: {{ ref('int_price_changes') }}
-- depends_on: {{ ref('int_price_inputs') }}
-- depends_on: {{ ref('int_processed_loads') }}
-- depends_on: {{ ref('int_processed_prices') }}
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_sealed_versions') }}
-- depends_on: {{ ref('stg_platform__organizations') }}
-- depends_on: {{ ref('stg_platform__routing_decisions') }}
-- depends_on: {{ ref('stg_warehouse__sealed_executions') }}
-- depends_on: {{ ref('stg_warehouse__seals') }}
-- depends_on: {{ ref('stg_platform__task_executions') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='execution_id',
        pre_hook=[
            '{{ open_intake() }}',
            '{{ collect_batch() }}',
            '{{ keep_executions_before() }}',
            '{{ keep_sealed_facts() }}',
            '{{ clear_open_rows() }}',
        ],
        post_hook=[
            '{{ move_late_executions() }}',
            '{{ note_late_for_providers() }}',
            '{{ record_cost_changes() }}',
            '{{ record_changes() }}',
            '{{ close_fact_intake() }}',
            '{{ index_open_executions() }}',
        ],
        meta={'sealed': 'executions'},
        indexes=[
            {'columns': ['organization_id', 'start_time']},
            {'columns': ['organization_id', 'task_id']},
            {'columns': ['routing_decision_id']},
            {'columns': ['start_time']},
        ]
    )
}}

with executions as (

    select * from {{ ref('int_executions_priced') }}

),

final as (

    select
        execution_id,
        organization_id,
        user_id,
        task_id,
        task_type,
        code_language,
        request_type,
        provider,
        model,
        price_model,
        service_tier,
        region,
        status,
        is_timed_out,
        error_code,
        session_id,
        correlation_id,
        agent_id,
        workflow_id,
        {{ attribution_columns() }},
        routing_decision_id,
        start_time,
        end_time,
        duration_ms,
        metric_date,
        reporting_timezone,
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
        total_tokens,
        compute_units,
        request_count,
        other_usage,
        is_bucket,
        is_gateway_cache_hit,
        quality_score,
        price_id,
        pricing_status,
        price_factors,
        other_costs,
        uncached_input_cost_usd,
        cached_input_cost_usd,
        cache_write_cost_usd,
        output_cost_usd,
        request_cost_usd,
        minute_cost_usd,
        compute_unit_cost_usd,
        other_cost_usd,
        cost_usd,
        reported_cost_usd,
        baseline_policy,
        baseline_policy_id,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_price_id,
        baseline_price_factors,
        baseline_other_costs,
        baseline_pricing_status,
        baseline_cost_usd,
        decision_baseline_provider,
        decision_baseline_model,
        most_expensive_alternative_provider,
        most_expensive_alternative_model,
        organization_default_baseline_cost_usd,
        decision_recorded_baseline_cost_usd,
        most_expensive_alternative_baseline_cost_usd,
        fixed_baseline_cost_usd,
        savings_status,
        savings_usd,
        routing_overhead_cost_usd,
        net_savings_usd,
        event_id,
        updated_at
    from executions

)

-- An organization's day lies together then, so that rollups find its executions on few pages.
select * from final
order by organization_id, metric_date, start_time
