-- Grain: one row per landed event; an evaluation has one event per version, and copies of them.

with evaluations as (

    select * from {{ source('platform', 'shadow_evaluations') }}
    where {{ landed_as_of() }} and {{ of_tenant() }}

),

loads as (

    select * from {{ source('warehouse', 'loads') }}

),

final as (

    select
        evaluations.event_id,
        evaluations.id as shadow_evaluation_id,
        evaluations.organization_id,
        evaluations.execution_id,
        evaluations.evaluated_at,
        evaluations.updated_at,
        -- No source can know what is so after it was landed.
        least(evaluations.updated_at, loads.landed_at) as believed_at,
        evaluations.direction,
        evaluations.outcome,
        evaluations.router,
        evaluations.judge_model,
        evaluations.real_model,
        evaluations.shadow_model,
        evaluations.tier,
        cast(evaluations.confidence as numeric(13, 12)) as confidence,
        evaluations.is_real_cache_hit,
        {%- for cost in ['real', 'shadow', 'judge', 'real_classifier', 'shadow_classifier'] %}
        cast(evaluations.reported_{{ cost }}_cost_usd as numeric(20, 12))
            as reported_{{ cost }}_cost_usd,
        {%- endfor %}
        evaluations._load_id,
        evaluations._line_number
    from evaluations
    left join loads on evaluations._load_id = loads.load_id

)

select * from final
