-- A returned row is a rate that differs by more than the var `price_change_warn_percentage` from
-- the one in force before it in the same scope, or that came or went. What a correction has
-- replaced is not in force and not compared, nor are two prices that were both recorded at moments
-- of the var `reviewed_price_recordings`. A warning: providers do halve their prices.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_price_windows'}}}) }}

{% set rates = [
    'input_usd_per_mtok', 'cached_input_usd_per_mtok', 'cache_write_usd_per_mtok',
    'output_usd_per_mtok', 'usd_per_request', 'usd_per_minute', 'usd_per_compute_unit',
] %}

with following as (

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
    from {{ ref('int_price_windows') }} as price_windows
    inner join {{ ref('int_price_rows') }} as price_rows
        on price_windows.price_id = price_rows.price_id

),

rates as (

    {% for rate in rates %}
    select
        following.provider,
        following.model_scope,
        following.task_type_scope,
        following.service_tier_scope,
        following.organization_scope,
        following.context_over_tokens,
        following.valid_from,
        '{{ rate }}' as rate,
        previous.{{ rate }} as old_usd,
        following.{{ rate }} as new_usd
    from following
    inner join following as previous
        on following.previous_price_window_id = previous.price_window_id
    where not (following.is_reviewed and previous.is_reviewed)
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    *,
    -- From nothing there is no percentage.
    cast((new_usd - old_usd) * 100 / nullif(old_usd, 0) as numeric(28, 2)) as change_percentage
from rates
where
    (old_usd is null) <> (new_usd is null)
    or abs(new_usd - old_usd) * 100 > old_usd * {{ var('price_change_warn_percentage') }}
order by valid_from desc
