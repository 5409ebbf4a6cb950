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
        provider,
        'model' as attribute,
        model_scope as scope,
        valid_from
    from price_windows
    union all
    select
        provider,
        'task_type' as attribute,
        task_type_scope as scope,
        valid_from
    from price_windows
    union all
    select
        provider,
        'service_tier' as attribute,
        service_tier_scope as scope,
        valid_from
    from price_windows
    union all
    select
        provider,
        'organization' as attribute,
        organization_scope as scope,
        valid_from
    from price_windows

),

unnamed as (

    select
        price_windows.provider,
        attributes.attribute,
        '*' as scope,
        price_windows.valid_from
    from price_windows
    cross join (
        values ('model'), ('task_type'), ('service_tier'), ('organization')
    ) as attributes (attribute)

),

scopes as (

    select * from named
    union all
    select * from unnamed

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
