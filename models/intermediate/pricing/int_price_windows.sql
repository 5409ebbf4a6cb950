-- Grain: one row per price scope and stretch of time in which one row of the price book holds.
-- Where several rows of a scope claim the same moment the one recorded last wins, so that a
-- correction is a new row and the row that it corrects stays in the book.

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='price_window_id',
        post_hook='analyze {{ this }}'
    )
}}

with price_rows as (

    select * from {{ ref('int_price_rows') }}

),

boundaries as (

    select
        provider,
        model_scope,
        task_type_scope,
        service_tier_scope,
        organization_scope,
        context_over_tokens,
        effective_from as valid_from
    from price_rows
    union
    select
        provider,
        model_scope,
        task_type_scope,
        service_tier_scope,
        organization_scope,
        context_over_tokens,
        effective_until as valid_from
    from price_rows

),

stretches as (

    select
        *,
        lead(valid_from) over (
            partition by
                provider,
                model_scope,
                task_type_scope,
                service_tier_scope,
                organization_scope,
                context_over_tokens
            order by valid_from
        ) as valid_until
    from boundaries

),

ranked as (

    select
        stretches.valid_from,
        stretches.valid_until,
        price_rows.*,
        row_number() over (
            partition by
                stretches.provider,
                stretches.model_scope,
                stretches.task_type_scope,
                stretches.service_tier_scope,
                stretches.organization_scope,
                stretches.context_over_tokens,
                stretches.valid_from
            order by price_rows.recorded_at desc, price_rows.price_id asc
        ) as recency
    from stretches
    inner join price_rows
        on
            stretches.provider = price_rows.provider
            and stretches.model_scope = price_rows.model_scope
            and stretches.task_type_scope = price_rows.task_type_scope
            and stretches.service_tier_scope = price_rows.service_tier_scope
            and stretches.organization_scope = price_rows.organization_scope
            and stretches.context_over_tokens = price_rows.context_over_tokens
            and stretches.valid_from >= price_rows.effective_from
            and stretches.valid_from < price_rows.effective_until

),

final as (

    select
        {{ surrogate_key(['price_id', utc_text('valid_from')]) }} as price_window_id,
        price_id,
        provider,
        model_scope,
        task_type_scope,
        service_tier_scope,
        organization_scope,
        context_over_tokens,
        valid_from,
        valid_until,
        input_usd_per_mtok,
        cached_input_usd_per_mtok,
        cache_write_usd_per_mtok,
        output_usd_per_mtok,
        usd_per_request,
        usd_per_minute,
        usd_per_compute_unit
    from ranked
    where recency = 1

)

select * from final
