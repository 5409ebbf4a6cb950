-- Grain: one row per row of the price factors, with its key and its recurring hours taken apart.
-- With the var `as_of`, only the rows that had been recorded by then.
-- depends_on: {{ ref('price_factors_history') }}, which finds edited rows before they price

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='price_factor_id',
        post_hook='analyze {{ this }}'
    )
}}

with price_factors as (

    select
        book.kind,
        book.provider,
        book.model,
        book.service_tier,
        book.region,
        book.organization_id,
        book.hours,
        {{ plain_number('factor') }},
        book.effective_from,
        book.effective_until,
        book.recorded_at,
        book.source,
        book.notes
    from {{ ref('price_factors') }} as book
    cross join lateral {{ decrypted('book') }} as decrypted (price)
    where {{ known_as_of('book.recorded_at') }}

),

-- `Mon-Fri 16:30-00:30` as days and minutes; the name of a weekday stands at its third of the text.
parsed as (

    select
        *,
        (strpos('MonTueWedThuFriSatSun', left(hours, 3)) + 2) / 3 as first_weekday,
        (strpos('MonTueWedThuFriSatSun', right(split_part(hours, ' ', 1), 3)) + 2) / 3
            as last_weekday,
        cast(substring(hours from '([0-9]{2}):[0-9]{2}-') as integer) * 60
        + cast(substring(hours from ':([0-9]{2})-') as integer) as begin_minute,
        cast(substring(hours from '-([0-9]{2}):[0-9]{2}$') as integer) * 60
        + cast(substring(hours from ':([0-9]{2})$') as integer) as end_minute
    from price_factors

),

final as (

    select
        {{ surrogate_key([
            'kind', 'provider', 'model', 'service_tier', 'region', 'organization_id', 'hours', 'factor',
            utc_text('effective_from'), utc_text('effective_until'), utc_text('recorded_at'),
        ]) }} as price_factor_id,
        kind,
        provider,
        model,
        {{ price_tier('service_tier') }} as service_tier,
        lower(region) as region,
        organization_id,
        hours,
        first_weekday,
        last_weekday,
        begin_minute,
        -- Hours that end where they begin last a whole day.
        (end_minute - begin_minute + 1439) % 1440 + 1 as length_minutes,
        factor,
        effective_from,
        coalesce(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source,
        notes
    from parsed

)

select * from final
