-- A returned row is a stretch of time in which a model had no price although it had one before and
-- has one after, unless both were recorded at moments of the var `reviewed_price_recordings`. A
-- warning: a model can be withdrawn and come back.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_price_windows'}}}) }}

with price_windows as (

    select
        price_windows.*,
        price_rows.recorded_at = any({{ reviewed_price_recordings() }}) as is_reviewed
    from {{ ref('int_price_windows') }} as price_windows
    inner join {{ ref('int_price_rows') }} as price_rows
        on price_windows.price_id = price_rows.price_id

),

following as (

    select
        provider,
        model_scope,
        task_type_scope,
        service_tier_scope,
        organization_scope,
        context_over_tokens,
        valid_until,
        is_reviewed,
        lead(valid_from) over scope as next_valid_from,
        lead(is_reviewed) over scope as next_is_reviewed
    from price_windows
    window
        scope as (
            partition by
                provider,
                model_scope,
                task_type_scope,
                service_tier_scope,
                organization_scope,
                context_over_tokens
            order by valid_from
        )

)

select *
from following
where valid_until < next_valid_from and not (is_reviewed and next_is_reviewed)
