-- Grain: one row per other name of a model, with a key that spells it out: of the rows about one
-- name the one recorded last.

with model_aliases as (

    select * from {{ ref('model_aliases') }}
    where {{ known_as_of('recorded_at') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by provider, alias
            order by recorded_at desc, model asc
        ) as recency
    from model_aliases

),

final as (

    select
        provider || '|' || alias || '|' || model as model_alias_id,
        provider,
        alias,
        model
    from ranked
    where recency = 1

)

select * from final
