-- Grain: one row per other name of a model, with a key that spells it out.

with model_aliases as (

    select * from {{ ref('model_aliases') }}

),

final as (

    select
        provider || '|' || alias || '|' || model as model_alias_id,
        provider,
        alias,
        model
    from model_aliases

)

select * from final
