-- Grain: one row per provider, attribute and value that the price book names, plus `*` for every
-- value that it does not name. Pricing looks an execution's values up here, so that the price table
-- needs rows only for values that make a difference.

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='price_scope_id',
        post_hook='analyze {{ this }}'
    )
}}

with price_windows as (

    select * from {{ ref('int_price_windows') }}

),

named as (

    select
        price_windows.provider,
        attributes.attribute,
        attributes.scope,
        price_windows.valid_from
    from price_windows
    cross join lateral (
        values
        ('model', price_windows.model_scope),
        ('task_type', price_windows.task_type_scope),
        ('service_tier', price_windows.service_tier_scope),
        ('organization', price_windows.organization_scope)
    ) as attributes (attribute, scope)

),

scopes as (

    select * from named
    union all
    select
        provider,
        attribute,
        '*' as scope,
        valid_from
    from named

),

final as (

    select
        {{ surrogate_key(['provider', 'attribute', 'scope']) }} as price_scope_id,
        provider,
        attribute,
        scope,
        min(valid_from) as first_price_from
    from scopes
    group by provider, attribute, scope

)

select * from final
