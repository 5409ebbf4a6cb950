-- Grain: one row per landed event; a decision has one event per version, and copies of them.
-- Without a `with`, which would keep the planner from looking a few of millions up through their
-- indexes.

{{
    config(
        post_hook='''
            {{ refresh_statistics(
                source("platform", "routing_decisions"), "_load_id, id, task_execution_id"
            ) }}
        '''
    )
}}

select
    event_id,
    id as routing_decision_id,
    organization_id,
    task_id,
    task_execution_id as execution_id,
    chosen_provider,
    chosen_model,
    decision_timestamp,
    updated_at,
    routing_strategy,
    algorithm_version,
    reasoning,
    cast(confidence_score as numeric(13, 12)) as confidence_score,
    cast(predicted_cost_usd as numeric(20, 12)) as predicted_cost_usd,
    predicted_duration_ms,
    cast(predicted_quality_score as numeric(13, 12)) as predicted_quality_score,
    cast(routing_overhead_cost_usd as numeric(20, 12)) as routing_overhead_cost_usd,
    baseline_provider,
    baseline_model,
    alternative_providers,
    decision_factors,
    _load_id,
    _line_number
from {{ source('platform', 'routing_decisions') }}
where {{ landed_as_of() }} and {{ of_tenant() }}
