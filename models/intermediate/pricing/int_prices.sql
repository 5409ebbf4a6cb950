-- Grain: one row per provider, scope of each attribute, stretch of time and band of context size.
-- The price book's precedence is settled here, once per price and not once per execution:
-- organization, then model, task type, service tier, and the highest context threshold that is
-- exceeded. Rows do not overlap, so that an execution meets exactly one price or none.

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='price_row_id',
        post_hook='analyze {{ this }}'
    )
}}

with price_windows as (

    select * from {{ ref('int_price_windows') }}

),

price_scopes as (

    select * from {{ ref('int_price_scopes') }}

),

scope_combinations as (

    select
        models.provider,
        models.scope as model_scope,
        task_types.scope as task_type_scope,
        service_tiers.scope as service_tier_scope,
        organizations.scope as organization_scope
    from price_scopes as models
    inner join price_scopes as task_types
        on models.provider = task_types.provider and task_types.attribute = 'task_type'
    inner join price_scopes as service_tiers
        on models.provider = service_tiers.provider and service_tiers.attribute = 'service_tier'
    inner join price_scopes as organizations
        on models.provider = organizations.provider and organizations.attribute = 'organization'
    where models.attribute = 'model'

),

candidates as (

    select
        scope_combinations.model_scope as usage_model_scope,
        scope_combinations.task_type_scope as usage_task_type_scope,
        scope_combinations.service_tier_scope as usage_service_tier_scope,
        scope_combinations.organization_scope as usage_organization_scope,
        {{ surrogate_key([
            'scope_combinations.provider', 'scope_combinations.model_scope',
            'scope_combinations.task_type_scope', 'scope_combinations.service_tier_scope',
            'scope_combinations.organization_scope',
        ]) }} as combination_id,
        price_windows.*
    from scope_combinations
    inner join price_windows
        on
            scope_combinations.provider = price_windows.provider
            and price_windows.model_scope in ('*', scope_combinations.model_scope)
            and price_windows.task_type_scope in ('*', scope_combinations.task_type_scope)
            and price_windows.service_tier_scope in ('*', scope_combinations.service_tier_scope)
            and price_windows.organization_scope in ('*', scope_combinations.organization_scope)

),

moments as (

    select
        combination_id,
        valid_from as stretch_from
    from candidates
    union
    select
        combination_id,
        valid_until as stretch_from
    from candidates

),

stretches as (

    select
        combination_id,
        stretch_from,
        lead(stretch_from) over (
            partition by combination_id
            order by stretch_from
        ) as stretch_until
    from moments

),

thresholds as (

    select distinct
        combination_id,
        context_over_tokens
    from candidates

),

bands as (

    select
        combination_id,
        context_over_tokens as context_over,
        lead(context_over_tokens) over (
            partition by combination_id
            order by context_over_tokens
        ) as context_up_to
    from thresholds

),

ranked as (

    select
        stretches.stretch_from,
        stretches.stretch_until,
        bands.context_over,
        bands.context_up_to,
        candidates.*,
        row_number() over (
            partition by
                candidates.combination_id,
                stretches.stretch_from,
                bands.context_over
            order by
                candidates.organization_scope = '*' asc,
                candidates.model_scope = '*' asc,
                candidates.task_type_scope = '*' asc,
                candidates.service_tier_scope = '*' asc,
                candidates.context_over_tokens desc,
                candidates.price_id asc
        ) as precedence
    from candidates
    inner join stretches
        on
            candidates.combination_id = stretches.combination_id
            and candidates.valid_from <= stretches.stretch_from
            and candidates.valid_until > stretches.stretch_from
    inner join bands
        on
            candidates.combination_id = bands.combination_id
            and candidates.context_over_tokens <= bands.context_over

),

final as (

    select
        {{ surrogate_key(['combination_id', utc_text('stretch_from'), 'context_over']) }}
            as price_row_id,
        price_id,
        provider,
        usage_model_scope as model_scope,
        usage_task_type_scope as task_type_scope,
        usage_service_tier_scope as service_tier_scope,
        usage_organization_scope as organization_scope,
        usage_model_scope || '|' || usage_task_type_scope || '|' || usage_service_tier_scope
        || '|' || usage_organization_scope as scope_key,
        stretch_from as valid_from,
        stretch_until as valid_until,
        context_over as context_over_tokens,
        context_up_to as context_up_to_tokens,
        -- Per token, so that pricing multiplies once; a millionth of 12 places has 18.
        {{ usd_per_token('input_usd_per_mtok') }} as input_usd_per_token,
        {{ usd_per_token('cached_input_usd_per_mtok') }} as cached_input_usd_per_token,
        {{ usd_per_token('cache_write_usd_per_mtok') }} as cache_write_usd_per_token,
        {{ usd_per_token('output_usd_per_mtok') }} as output_usd_per_token,
        -- Where every token costs the same, a number of tokens without a split has a price.
        case
            when
                input_usd_per_mtok = cached_input_usd_per_mtok
                and input_usd_per_mtok = cache_write_usd_per_mtok
                and input_usd_per_mtok = output_usd_per_mtok
                then {{ usd_per_token('input_usd_per_mtok') }}
        end as flat_usd_per_token,
        usd_per_request,
        usd_per_minute,
        usd_per_compute_unit,
        -- The row is the price of this tier or organization by itself: no factor is meant for it.
        service_tier_scope <> '*' as names_service_tier,
        organization_scope <> '*' as names_organization
    from ranked
    where precedence = 1

)

select * from final
