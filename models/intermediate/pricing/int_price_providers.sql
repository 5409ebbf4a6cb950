-- Grain: one row per provider of the price book, with the task types, service tiers and
-- organizations for which it names prices of their own. Everything else falls under its `*`.

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='provider',
        post_hook='analyze {{ this }}'
    )
}}

with price_scopes as (

    select * from {{ ref('int_price_scopes') }}

),

standing_factors as (

    select distinct provider
    from {{ ref('int_price_factors') }}
    where kind in ('hours', 'agreement')

),

scopes as (

    select
        provider,
        {{ json_array_of('scope', "attribute = 'task_type' and scope <> '*'") }}
            as task_types,
        {{ json_array_of('scope', "attribute = 'service_tier' and scope <> '*'") }}
            as service_tiers,
        {{ json_array_of('scope', "attribute = 'organization' and scope <> '*'") }}
            as organization_ids
    from price_scopes
    group by provider

),

final as (

    select
        scopes.*,
        standing_factors.provider is not null as has_standing_factors
    from scopes
    left join standing_factors on scopes.provider = standing_factors.provider

)

select * from final
