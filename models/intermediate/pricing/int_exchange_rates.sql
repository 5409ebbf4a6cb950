-- Grain: one row per currency and stretch of time in which one rate holds. Of rates that claim the
-- same moment the one recorded last wins. With the var `as_of`, only those recorded by then.
-- depends_on: {{ ref('exchange_rates_history') }}, which finds edited rows before they count

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='exchange_rate_window_id'
    )
}}

with exchange_rates as (

    select * from {{ ref('exchange_rates') }}
    where {{ known_as_of('recorded_at') }}

),

rate_rows as (

    select
        {{ surrogate_key([
            'currency', 'usd_per_unit', utc_text('effective_from'), utc_text('effective_until'),
            utc_text('recorded_at'),
        ]) }} as exchange_rate_id,
        currency,
        usd_per_unit,
        effective_from,
        coalesce(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source
    from exchange_rates

),

moments as (

    select
        currency,
        effective_from as valid_from
    from rate_rows
    union
    select
        currency,
        effective_until as valid_from
    from rate_rows

),

stretches as (

    select
        currency,
        valid_from,
        lead(valid_from) over (
            partition by currency
            order by valid_from
        ) as valid_until
    from moments

),

ranked as (

    select
        stretches.valid_from,
        stretches.valid_until,
        rate_rows.*,
        row_number() over (
            partition by stretches.currency, stretches.valid_from
            order by rate_rows.recorded_at desc, rate_rows.exchange_rate_id asc
        ) as recency
    from stretches
    inner join rate_rows
        on
            stretches.currency = rate_rows.currency
            and stretches.valid_from >= rate_rows.effective_from
            and stretches.valid_from < rate_rows.effective_until

),

final as (

    select
        {{ surrogate_key(['exchange_rate_id', utc_text('valid_from')]) }}
            as exchange_rate_window_id,
        exchange_rate_id,
        currency,
        usd_per_unit,
        valid_from,
        valid_until,
        recorded_at,
        source
    from ranked
    where recency = 1

)

select * from final
