-- Grain: one row per rate that differs from the one in force before it in the same scope, or that
-- came or went. What a correction has replaced is not in force and not compared. A change is
-- reviewed when both prices were recorded at moments of the var `reviewed_price_recordings`.

{% set rates = [
    'input_usd_per_mtok', 'cached_input_usd_per_mtok', 'cache_write_usd_per_mtok',
    'output_usd_per_mtok', 'usd_per_request', 'usd_per_minute', 'usd_per_compute_unit',
] %}

with price_windows as (

    select * from {{ ref('int_price_windows') }}

),

price_rows as (

    select * from {{ ref('int_price_rows') }}

),

following as (

    select
        price_windows.*,
        price_rows.recorded_at = any({{ reviewed_price_recordings() }}) as is_reviewed,
        lag(price_windows.price_window_id) over (
            partition by
                price_windows.provider,
                price_windows.model_scope,
                price_windows.task_type_scope,
                price_windows.service_tier_scope,
                price_windows.organization_scope,
                price_windows.context_over_tokens
            order by price_windows.valid_from
        ) as previous_price_window_id
    from price_windows
    inner join price_rows on price_windows.price_id = price_rows.price_id

),

rates as (

    select
        following.price_id,
        following.provider,
        following.model_scope,
        following.task_type_scope,
        following.service_tier_scope,
        following.organization_scope,
        following.context_over_tokens,
        following.valid_from,
        rates.rate,
        rates.old_usd,
        rates.new_usd,
        following.is_reviewed and previous.is_reviewed as is_reviewed
    from following
    inner join following as previous
        on following.previous_price_window_id = previous.price_window_id
    cross join
        lateral (
            values
            {%- for rate in rates %}
            ('{{ rate }}', previous.{{ rate }}, following.{{ rate }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as rates (rate, old_usd, new_usd)
    where rates.new_usd is distinct from rates.old_usd

),

final as (

    select
        *,
        -- From nothing there is no percentage.
        cast((new_usd - old_usd) * 100 / nullif(old_usd, 0) as numeric(28, 2)) as change_percentage,
        not is_reviewed
        and (
            (old_usd is null) <> (new_usd is null)
            or abs(new_usd - old_usd) * 100
            > old_usd * {{ var('price_change_warn_percentage') }}
        ) as is_large
    from rates

)

select * from final
