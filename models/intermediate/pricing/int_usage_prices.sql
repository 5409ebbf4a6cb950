-- Grain: one row per row of the usage prices, with its key. With the var `as_of`, only the rows
-- that had been recorded by then.
-- depends_on: {{ ref('usage_prices_history') }}, which finds edited rows before they price

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='usage_price_id',
        post_hook='analyze {{ this }}'
    )
}}

with usage_prices as (

    select
        book.provider,
        book.model,
        book.usage,
        book.service_tier,
        book.organization_id,
        book.context_over_tokens,
        {{ plain_number('usd_per_mtok') }},
        {{ plain_number('usd_per_unit') }},
        book.effective_from,
        book.effective_until,
        book.recorded_at,
        book.source,
        book.notes
    from {{ ref('usage_prices') }} as book
    cross join lateral {{ decrypted('book') }} as decrypted (price)
    where {{ known_as_of('book.recorded_at') }}

),

final as (

    select
        {{ surrogate_key([
            'provider', 'model', 'usage', 'service_tier', 'organization_id', 'context_over_tokens',
            'usd_per_mtok', 'usd_per_unit', utc_text('effective_from'), utc_text('effective_until'),
            utc_text('recorded_at'),
        ]) }} as usage_price_id,
        provider,
        model,
        usage,
        usage in (
            {% for part in token_parts() %}
            '{{ part }}'{{ ',' if not loop.last }}
            {% endfor %}
        ) as is_token_part,
        {{ price_tier('service_tier') }} as service_tier,
        organization_id,
        -- Every request has more than minus one token: such a row holds from the first token on.
        coalesce(context_over_tokens, -1) as context_over_tokens,
        coalesce(usd_per_unit, {{ usd_per_token('usd_per_mtok') }}) as usd_per_unit,
        effective_from,
        coalesce(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source,
        notes
    from usage_prices

)

select * from final
