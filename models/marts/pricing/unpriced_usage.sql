-- Grain: one row per role, provider, model and reason of usage without a known price: a work list
-- for whoever keeps the price book.

{{ config(materialized='view') }}

with usage_days as (

    select * from {{ ref('model_usage') }}

),

price_names as (

    select *
    from {{ ref('int_price_names') }}
    where model_scope <> '*'

),

-- Usage that nothing can be compared with is a hole in the savings and stands here as well.
unpriced_days as (

    select
        'usage' as priced_as,
        provider,
        model,
        pricing_status,
        total_tasks,
        total_tokens,
        first_seen_at,
        last_seen_at
    from usage_days
    where pricing_status not in ('priced', 'gateway_cache_hit')
    union all
    select
        'baseline' as priced_as,
        baseline_provider as provider,
        baseline_model as model,
        baseline_pricing_status as pricing_status,
        total_tasks,
        total_tokens,
        first_seen_at,
        last_seen_at
    from usage_days
    where baseline_pricing_status in ('no_model', 'no_price_for_model', 'before_first_price')

),

unpriced as (

    select
        priced_as,
        provider,
        model,
        pricing_status,
        sum(total_tasks) as total_tasks,
        sum(total_tokens) as total_tokens,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from unpriced_days
    group by priced_as, provider, model, pricing_status

),

everything as (

    select sum(total_tasks) as total_tasks
    from usage_days

),

unknown_names as (

    select distinct
        provider,
        model
    from unpriced
    where model is not null and pricing_status = 'no_price_for_model'

),

unknown_trigrams as (

    select distinct
        unknown_names.provider,
        unknown_names.model,
        {{ trigram('unknown_names.model', 'positions.position') }} as trigram
    from unknown_names
    cross join {{ trigram_positions('unknown_names.model') }} as positions (position)

),

known_trigrams as (

    select distinct
        price_names.provider,
        price_names.name,
        price_names.price_model,
        {{ trigram('price_names.name', 'positions.position') }} as trigram
    from price_names
    cross join {{ trigram_positions('price_names.name') }} as positions (position)

),

unknown_sizes as (

    select
        provider,
        model,
        count(*) as trigrams
    from unknown_trigrams
    group by provider, model

),

known_sizes as (

    select
        provider,
        name,
        count(*) as trigrams
    from known_trigrams
    group by provider, name

),

shared as (

    select
        unknown_trigrams.provider,
        unknown_trigrams.model,
        known_trigrams.provider as known_provider,
        known_trigrams.name as known_name,
        known_trigrams.price_model,
        count(*) as shared_trigrams
    from unknown_trigrams
    inner join known_trigrams on unknown_trigrams.trigram = known_trigrams.trigram
    -- A model whose prices have ended is known by its own name, which helps nobody.
    where
        unknown_trigrams.provider <> known_trigrams.provider
        or unknown_trigrams.model <> known_trigrams.name
    group by
        unknown_trigrams.provider,
        unknown_trigrams.model,
        known_trigrams.provider,
        known_trigrams.name,
        known_trigrams.price_model

),

similarities as (

    select
        shared.*,
        cast(
            2.0 * shared.shared_trigrams / (unknown_sizes.trigrams + known_sizes.trigrams)
            as numeric(7, 6)
        ) as similarity
    from shared
    inner join unknown_sizes
        on shared.provider = unknown_sizes.provider and shared.model = unknown_sizes.model
    inner join known_sizes
        on shared.known_provider = known_sizes.provider and shared.known_name = known_sizes.name

),

ranked as (

    select
        *,
        row_number() over (
            partition by provider, model
            order by
                similarity desc,
                known_provider = provider desc,
                known_provider asc,
                known_name asc
        ) as nearness
    from similarities

),

suggestions as (

    select *
    from ranked
    -- Less alike than half says nothing.
    where nearness = 1 and similarity >= 0.5

),

final as (

    select
        unpriced.priced_as,
        unpriced.provider,
        unpriced.model,
        unpriced.pricing_status as reason,
        cast(unpriced.total_tasks as bigint) as total_tasks,
        cast(unpriced.total_tokens as numeric(28, 0)) as total_tokens,
        unpriced.first_seen_at,
        unpriced.last_seen_at,
        cast(
            100.0 * unpriced.total_tasks / nullif(everything.total_tasks, 0) as numeric(9, 6)
        ) as share_percentage,
        suggestions.known_provider as suggested_provider,
        suggestions.price_model as suggested_model,
        suggestions.similarity
    from unpriced
    cross join everything
    left join suggestions
        on
            unpriced.provider = suggestions.provider
            and unpriced.model = suggestions.model
            and unpriced.pricing_status = 'no_price_for_model'

)

select * from final
