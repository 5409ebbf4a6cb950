-- Grain: one row per row of the price book, with its key and `*` for what it leaves blank. With the
-- var `as_of`, only the rows that had been recorded by then.
-- depends_on: {{ ref('provider_pricing_history') }}, which finds edited rows before they price

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='price_id',
        post_hook='analyze {{ this }}'
    )
}}

with provider_pricing as (

    select
        book.provider,
        book.model,
        book.task_type,
        book.service_tier,
        book.organization_id,
        book.context_over_tokens,
        {{ plain_number('input_usd_per_mtok') }},
        {{ plain_number('cached_input_usd_per_mtok') }},
        {{ plain_number('cache_write_usd_per_mtok') }},
        {{ plain_number('output_usd_per_mtok') }},
        {{ plain_number('usd_per_request') }},
        {{ plain_number('usd_per_minute') }},
        {{ plain_number('usd_per_compute_unit') }},
        book.effective_from,
        book.effective_until,
        book.recorded_at,
        book.source,
        book.notes
    from {{ ref('provider_pricing') }} as book
    cross join lateral {{ decrypted('book') }} as decrypted (price)
    where {{ known_as_of('book.recorded_at') }}

),

final as (

    select
        {{ surrogate_key(price_book_columns()) }} as price_id,
        provider,
        coalesce(model, '*') as model_scope,
        coalesce(task_type, '*') as task_type_scope,
        coalesce({{ price_tier('service_tier') }}, '*') as service_tier_scope,
        coalesce(cast(organization_id as text), '*') as organization_scope,
        -- Every request has more than minus one token: such a row holds from the first token on.
        coalesce(context_over_tokens, -1) as context_over_tokens,
        input_usd_per_mtok,
        coalesce(cached_input_usd_per_mtok, input_usd_per_mtok) as cached_input_usd_per_mtok,
        coalesce(cache_write_usd_per_mtok, input_usd_per_mtok) as cache_write_usd_per_mtok,
        output_usd_per_mtok,
        usd_per_request,
        usd_per_minute,
        usd_per_compute_unit,
        effective_from,
        coalesce(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source,
        notes
    from provider_pricing

)

select * from final
