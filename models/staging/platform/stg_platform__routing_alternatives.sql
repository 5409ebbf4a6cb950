-- Grain: one row per landed decision event and alternative that it considered.

with routing_decisions as (

    select * from {{ source('platform', 'routing_decisions') }}

),

final as (

    select
        routing_decisions.event_id,
        routing_decisions.id as routing_decision_id,
        alternatives.position,
        alternatives.alternative ->> 'provider' as provider,
        alternatives.alternative ->> 'model' as model,
        cast(alternatives.alternative ->> 'score' as numeric(28, 12)) as score,
        cast(alternatives.alternative ->> 'estimated_cost_usd' as numeric(20, 12))
            as estimated_cost_usd,
        routing_decisions._load_id,
        routing_decisions._line_number
    from routing_decisions
    {{ json_array_rows('routing_decisions.alternative_providers', 'alternatives', 'alternative') }}
    where {{ landed_as_of() }}

)

select * from final
