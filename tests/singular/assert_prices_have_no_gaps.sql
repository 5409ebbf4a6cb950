-- A returned row is a stretch of time in which a model had no price although it had one before and
-- has one after. A warning: a model can be withdrawn and come back.

{{ config(severity='warn') }}

with following as (

    select
        provider,
        model_scope,
        task_type_scope,
        service_tier_scope,
        organization_scope,
        context_over_tokens,
        valid_until,
        lead(valid_from) over (
            partition by
                provider,
                model_scope,
                task_type_scope,
                service_tier_scope,
                organization_scope,
                context_over_tokens
            order by valid_from
        ) as next_valid_from
    from {{ ref('int_price_windows') }}

)

select *
from following
where valid_until < next_valid_from
