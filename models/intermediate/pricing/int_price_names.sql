-- Grain: one row per provider and name under which the price book finds a model: its own name,
-- another one from the aliases, or one of these after a route to its provider.

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

routes as (

    select distinct
        provider,
        provider || '/' as route
    from names
    {%- for provider, routes in model_name_routes().items() %}
    {%- for route in routes %}
    union all
    select
        '{{ provider }}' as provider,
        '{{ route }}' as route
    {%- endfor %}
    {%- endfor %}

),

routed_names as (

    select
        names.provider,
        routes.route || names.name as name,
        names.price_model,
        names.model_scope,
        names.first_price_from,
        routes.route,
        row_number() over (
            partition by names.provider, routes.route || names.name
            order by length(routes.route) asc
        ) as place
    from names
    inner join routes on names.provider = routes.provider

),

all_names as (

    select
        names.*,
        cast(null as text) as route
    from names
    union all
    select
        routed_names.provider,
        routed_names.name,
        routed_names.price_model,
        routed_names.model_scope,
        routed_names.first_price_from,
        routed_names.route
    from routed_names
    left join names
        on
            routed_names.provider = names.provider
            and routed_names.name = names.name
    where routed_names.place = 1 and names.name is null

),

final as (

    select
        {{ surrogate_key(['provider', 'name']) }} as price_name_id,
        provider,
        name,
        price_model,
        model_scope,
        first_price_from,
        route
    from all_names

)

select * from final
