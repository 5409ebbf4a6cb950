-- Grain: one row per routing decision, its latest version, beside what came of it. A decision is
-- computed again when a version of it arrives and when the execution that followed it changes.
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_execution_changes') }}
-- depends_on: {{ ref('int_processed_loads') }}
-- depends_on: {{ ref('stg_warehouse__loads') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='routing_decision_id',
        pre_hook=[
            '{{ open_changes() }}',
            '{{ collect_affected_decisions() }}',
        ],
        post_hook='{{ close_changes() }}',
        meta={'sealed': 'decisions'},
        indexes=[
            {'columns': ['organization_id', 'decision_timestamp']},
            {'columns': ['execution_id']},
        ]
    )
}}

with versions as (

    {{ versions_of(
        ref('stg_platform__routing_decisions'), 'routing_decision_id',
        'affected_decisions' if is_incremental()
    ) }}

),

claimed as (

    {{ claimed_versions('routing_decision', 'versions') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by routing_decision_id
            order by
                {{ version_order('routing_decision') }}
        ) = 1 as is_latest
    from claimed

),

-- The JSON is taken apart for the latest versions only.
decisions as (

    select
        *,
        {{ json_array_length('alternative_providers') }} as alternative_count,
        {{ json_array_min('alternative_providers', 'estimated_cost_usd') }}
            as cheapest_alternative_cost_usd,
        {{ json_array_dearest('alternative_providers', 'estimated_cost_usd') }}
            as dearest_alternative
    from ranked
    where is_latest

),

-- Each import is read once, so that the planner may look its rows up.
executions as (

    select * from {{ ref('fct_task_executions') }}

),

referring_executions as (

    select * from {{ ref('fct_task_executions') }}

),

-- A decision that names no execution is followed by the first attempt that refers to it.
attempts as (

    select
        referring_executions.routing_decision_id,
        referring_executions.execution_id,
        row_number() over (
            partition by referring_executions.routing_decision_id
            order by referring_executions.start_time, referring_executions.execution_id
        ) as attempt
    from decisions
    inner join referring_executions
        on
            decisions.routing_decision_id = referring_executions.routing_decision_id
            and decisions.organization_id = referring_executions.organization_id
    where decisions.execution_id is null

),

followed as (

    select
        decisions.*,
        coalesce(decisions.execution_id, attempts.execution_id) as followed_execution_id
    from decisions
    left join attempts
        on
            decisions.routing_decision_id = attempts.routing_decision_id
            and attempts.attempt = 1

),

outcomes as (

    select
        followed.*,
        executions.status as execution_status,
        executions.provider as actual_provider,
        executions.cost_usd as actual_cost_usd,
        executions.pricing_status as execution_pricing_status,
        executions.duration_ms as actual_duration_ms,
        executions.quality_score as actual_quality_score,
        executions.event_id as execution_event_id,
        executions.baseline_provider as execution_baseline_provider,
        executions.baseline_model as execution_baseline_model,
        executions.baseline_cost_usd
    from followed
    -- A decision that names another organization's execution learns nothing about it.
    left join executions
        on
            followed.followed_execution_id = executions.execution_id
            and followed.organization_id = executions.organization_id

),

final as (

    select
        outcomes.routing_decision_id,
        outcomes.organization_id,
        outcomes.task_id,
        outcomes.followed_execution_id as execution_id,
        outcomes.decision_timestamp,
        outcomes.routing_strategy,
        outcomes.algorithm_version,
        outcomes.chosen_provider,
        outcomes.chosen_model,
        outcomes.confidence_score,
        outcomes.alternative_count,
        outcomes.predicted_cost_usd,
        outcomes.predicted_duration_ms,
        outcomes.predicted_quality_score,
        outcomes.cheapest_alternative_cost_usd,
        outcomes.predicted_cost_usd <= outcomes.cheapest_alternative_cost_usd as is_cheapest_choice,
        cast(
            outcomes.predicted_cost_usd
            - case
                when outcomes.cheapest_alternative_cost_usd < outcomes.predicted_cost_usd
                    then outcomes.cheapest_alternative_cost_usd
                when outcomes.cheapest_alternative_cost_usd is not null
                    then outcomes.predicted_cost_usd
            end as numeric(20, 12)
        ) as regret_usd,
        outcomes.routing_overhead_cost_usd,
        outcomes.baseline_provider,
        outcomes.baseline_model,
        {{ json_text('outcomes.dearest_alternative', 'provider') }}
            as dearest_alternative_provider,
        {{ json_text('outcomes.dearest_alternative', 'model') }}
            as dearest_alternative_model,
        cast(
            case
                when
                    outcomes.chosen_provider = outcomes.execution_baseline_provider
                    and coalesce(outcomes.chosen_model, '')
                    = coalesce(outcomes.execution_baseline_model, '')
                    then outcomes.predicted_cost_usd
                else
                    {{ json_array_estimate(
                        'outcomes.alternative_providers', 'outcomes.execution_baseline_provider',
                        'outcomes.execution_baseline_model', 'estimated_cost_usd'
                    ) }}
            end as numeric(20, 12)
        ) as predicted_baseline_cost_usd,
        outcomes.baseline_cost_usd,
        outcomes.execution_status,
        outcomes.execution_event_id,
        outcomes.execution_pricing_status,
        outcomes.execution_baseline_provider,
        outcomes.execution_baseline_model,
        outcomes.actual_provider,
        outcomes.actual_provider <> outcomes.chosen_provider as is_overridden,
        outcomes.actual_cost_usd,
        outcomes.actual_duration_ms,
        outcomes.actual_quality_score,
        cast(outcomes.actual_cost_usd - outcomes.predicted_cost_usd as numeric(20, 12))
            as cost_error_usd,
        outcomes.actual_duration_ms - outcomes.predicted_duration_ms
            as duration_error_ms,
        cast(
            outcomes.actual_quality_score - outcomes.predicted_quality_score
            as numeric(13, 12)
        ) as quality_score_error,
        case
            when outcomes.execution_status is null then 'no_execution'
            when outcomes.actual_cost_usd is null then outcomes.execution_pricing_status
            when outcomes.predicted_cost_usd is null then 'not_predicted'
            else 'compared'
        end as cost_comparison_status,
        outcomes.event_id,
        outcomes.updated_at
    from outcomes

)

-- In the order of the facts, which look their decisions up.
select * from final
order by organization_id, decision_timestamp
