-- Grain: one row per row of the price book.

{{
    config(
        incremental_strategy='replace_changed',
        unique_key='price_id'
    )
}}

with price_rows as (

    select * from {{ ref('int_price_rows') }}

),

final as (

    select
        price_id,
        provider,
        nullif(model_scope, '*') as model,
        nullif(task_type_scope, '*') as task_type,
        nullif(service_tier_scope, '*') as service_tier,
        cast(nullif(organization_scope, '*') as uuid) as organization_id,
        nullif(context_over_tokens, -1) as context_over_tokens,
        input_usd_per_mtok,
        cached_input_usd_per_mtok,
        cache_write_usd_per_mtok,
        output_usd_per_mtok,
        usd_per_request,
        usd_per_minute,
        usd_per_compute_unit,
        effective_from,
        nullif(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source,
        notes
    from price_rows

)

select * from final
