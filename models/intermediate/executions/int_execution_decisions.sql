-- Grain: one row per routing decision that an affected execution refers to or that names one: its
-- latest landed version.

with affected as (

    select execution_id from {{ ref('int_affected_executions') }}

),

relevant as (

    select routing_decision_id
    from {{ ref('stg_platform__task_executions') }}
    where
        execution_id in (select affected.execution_id from affected)
        and routing_decision_id is not null
    union
    select routing_decision_id
    from {{ ref('stg_platform__routing_decisions') }}
    where execution_id in (select affected.execution_id from affected)

),

versions as (

    select
        routing_decision_id,
        organization_id,
        execution_id,
        decision_timestamp,
        predicted_cost_usd,
        routing_overhead_cost_usd,
        baseline_provider,
        baseline_model,
        alternative_providers,
        updated_at,
        event_id,
        _load_id,
        _line_number
    from {{ ref('stg_platform__routing_decisions') }}
    where routing_decision_id in (select relevant.routing_decision_id from relevant)

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
latest as (

    select
        *,
        {{ json_array_dearest('alternative_providers', 'estimated_cost_usd') }}
            as dearest_alternative
    from ranked
    where is_latest

),

final as (

    select
        routing_decision_id,
        organization_id,
        execution_id,
        routing_overhead_cost_usd,
        baseline_provider,
        baseline_model,
        {{ json_text('dearest_alternative', 'provider') }} as dearest_alternative_provider,
        {{ json_text('dearest_alternative', 'model') }} as dearest_alternative_model,
        -- Where several decisions name one execution, the last one made is the one that was
        -- followed.
        row_number() over (
            partition by organization_id, execution_id
            order by decision_timestamp desc, routing_decision_id desc
        ) = 1 as is_latest_for_execution
    from latest

)

select * from final
