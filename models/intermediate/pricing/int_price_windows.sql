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

{%- set scope = [
    'provider', 'model_scope', 'task_type_scope', 'service_tier_scope', 'organization_scope',
    'context_over_tokens',
] %}

with price_rows as (

    select * from {{ ref('int_price_rows') }}

),

boundaries as (

    {% for moment in ['effective_from', 'effective_until'] %}
    select
        {{ scope | join(',\n        ') }},
        {{ moment }} as valid_from
    from price_rows
    {{ 'union' if not loop.last }}
    {% endfor %}

),

stretches as (

    select
        *,
        lead(valid_from) over (
            partition by
                {{ scope | join(',\n                ') }}
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
                stretches.{{ scope | join(',\n                stretches.') }},
                stretches.valid_from
            order by price_rows.recorded_at desc, price_rows.price_id asc
        ) as recency
    from stretches
    inner join price_rows
        on
            stretches.valid_from >= price_rows.effective_from
            and stretches.valid_from < price_rows.effective_until
            {% for column in scope %}
            and stretches.{{ column }} = price_rows.{{ column }}
            {% endfor %}

),

final as (

    select
        {{ surrogate_key(['price_id', utc_text('valid_from')]) }} as price_window_id,
        price_id,
        {{ scope | join(',\n        ') }},
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
