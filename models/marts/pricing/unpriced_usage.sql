-- Grain: one row per role, provider, model and reason of usage without a known price: a work list
-- for whoever keeps the price book.

{{ config(materialized='view') }}

with usage_days as (

    select * from {{ ref('model_usage') }}

),

price_names as (

    select *
    from {{ ref('int_price_names') }}
    where model_scope <> '*' and route is null

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
        metric_date
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
        metric_date
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
        min(metric_date) as first_seen_date,
        max(metric_date) as last_seen_date
    from unpriced_days
    group by priced_as, provider, model, pricing_status

),

everything as (

    select sum(total_tasks) as total_tasks
    from usage_days

),

unknown_names as (

    select distinct
        unpriced.provider,
        unpriced.model,
        bare_names.bare_name,
        name_parts.base_name,
        name_parts.name_tail,
        name_parts.variant,
        {{ model_vendor('name_parts.base_name') }} as vendor
    from unpriced
    {{ model_name_parts('unpriced.model') }}
    where unpriced.model is not null and unpriced.pricing_status = 'no_price_for_model'

),

known_names as (

    select
        price_names.provider,
        price_names.name,
        price_names.price_model,
        bare_names.bare_name,
        name_parts.base_name,
        name_parts.name_tail
    from price_names
    {{ model_name_parts('price_names.name') }}
    where name_parts.variant is null

),

unknown_spellings as (

    select
        unknown_names.*,
        {{ words_with_digits('unknown_names.base_name') }} as numbers,
        spellings.spelling
    from unknown_names
    cross join lateral {{ without_one_letter('unknown_names.base_name') }} as spellings (spelling)
    where unknown_names.variant is null

),

known_spellings as (

    select
        known_names.*,
        {{ words_with_digits('known_names.base_name') }} as numbers,
        spellings.spelling
    from known_names
    cross join lateral {{ without_one_letter('known_names.base_name') }} as spellings (spelling)

),

-- The same model at the same provider or at its vendor: another reseller has other prices, and what
-- differs in a number is another model.
candidates as (

    select distinct
        unknown_spellings.provider,
        unknown_spellings.model,
        known_spellings.provider as known_provider,
        known_spellings.name as known_name,
        known_spellings.price_model,
        case
            when unknown_spellings.base_name <> known_spellings.base_name then 'one_letter'
            when unknown_spellings.name_tail <> known_spellings.name_tail then 'version'
            when unknown_spellings.bare_name <> known_spellings.bare_name then 'separators'
            when lower(unknown_spellings.model) <> lower(known_spellings.name) then 'route'
            else 'same_name'
        end as suggestion_rule,
        unknown_spellings.base_name = known_spellings.base_name as is_same_base,
        unknown_spellings.provider = known_spellings.provider as is_same_provider,
        case known_spellings.name_tail
            when unknown_spellings.name_tail then 0
            when '' then 1
            when 'latest' then 2
            else 3
        end as tail_distance
    from unknown_spellings
    inner join known_spellings
        on
            unknown_spellings.spelling = known_spellings.spelling
            and unknown_spellings.numbers = known_spellings.numbers
            and known_spellings.provider in (unknown_spellings.provider, unknown_spellings.vendor)
    -- A model whose prices have ended is known by its own name, which helps nobody.
    where
        unknown_spellings.provider <> known_spellings.provider
        or unknown_spellings.model <> known_spellings.name

),

ranked as (

    select
        *,
        rank() over (
            partition by provider, model
            order by is_same_base desc, is_same_provider desc, tail_distance asc
        ) as nearness
    from candidates

),

suggestions as (

    select
        provider,
        model,
        min(known_provider) as known_provider,
        min(known_name) as known_name,
        min(price_model) as price_model,
        min(suggestion_rule) as suggestion_rule
    from ranked
    where nearness = 1
    group by provider, model
    -- Two models that are equally near say nothing.
    having min(price_model) = max(price_model)

),

trigrams as (

    select distinct
        suggestions.provider,
        suggestions.model,
        names.is_known,
        {{ trigram('names.name', 'positions.position') }} as trigram
    from suggestions
    cross join
        lateral (values (false, suggestions.model), (true, suggestions.known_name))
            as names (is_known, name)
    cross join lateral {{ trigram_positions('names.name') }} as positions (position)

),

similarities as (

    select
        provider,
        model,
        -- What both names have is there twice.
        cast(2.0 * (count(*) - count(distinct trigram)) / count(*) as numeric(7, 6)) as similarity
    from trigrams
    group by provider, model

),

final as (

    select
        unpriced.priced_as,
        unpriced.provider,
        unpriced.model,
        unpriced.pricing_status as reason,
        cast(unpriced.total_tasks as bigint) as total_tasks,
        cast(unpriced.total_tokens as numeric(28, 0)) as total_tokens,
        unpriced.first_seen_date,
        unpriced.last_seen_date,
        cast(
            100.0 * unpriced.total_tasks / nullif(everything.total_tasks, 0) as numeric(9, 6)
        ) as share_percentage,
        suggestions.known_provider as suggested_provider,
        suggestions.price_model as suggested_model,
        similarities.similarity,
        coalesce(unknown_names.variant, suggestions.suggestion_rule) as suggestion_rule
    from unpriced
    cross join everything
    left join unknown_names
        on
            unpriced.provider = unknown_names.provider
            and unpriced.model = unknown_names.model
            and unpriced.pricing_status = 'no_price_for_model'
    left join suggestions
        on
            unknown_names.provider = suggestions.provider
            and unknown_names.model = suggestions.model
    left join similarities
        on
            suggestions.provider = similarities.provider
            and suggestions.model = similarities.model

)

select * from final
