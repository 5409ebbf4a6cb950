-- Grain: one row per provider and name under which the price book finds a model: its own name, or
-- another one from the aliases.

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='price_name_id',
        post_hook='analyze {{ this }}'
    )
}}

with price_scopes as (

    select *
    from {{ ref('int_price_scopes') }}
    where attribute = 'model' and scope <> '*'

),

model_aliases as (

    select * from {{ ref('int_model_aliases') }}

),

other_names as (

    select
        model_aliases.provider,
        model_aliases.alias as name,
        model_aliases.model as price_model,
        coalesce(price_scopes.scope, '*') as model_scope,
        price_scopes.first_price_from
    from model_aliases
    left join price_scopes
        on
            model_aliases.provider = price_scopes.provider
            and model_aliases.model = price_scopes.scope

),

own_names as (

    select
        price_scopes.provider,
        price_scopes.scope as name,
        price_scopes.scope as price_model,
        price_scopes.scope as model_scope,
        price_scopes.first_price_from
    from price_scopes
    left join model_aliases
        on
            price_scopes.provider = model_aliases.provider
            and price_scopes.scope = model_aliases.alias
    where model_aliases.alias is null

),

names as (

    select
        provider,
        name,
        price_model,
        model_scope,
        first_price_from
    from other_names
    union all
    select
        provider,
        name,
        price_model,
        model_scope,
        first_price_from
    from own_names

),

final as (

    select
        {{ surrogate_key(['provider', 'name']) }} as price_name_id,
        provider,
        name,
        price_model,
        model_scope,
        first_price_from
    from names

)

select * from final
