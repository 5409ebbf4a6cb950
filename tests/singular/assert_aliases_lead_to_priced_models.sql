-- A returned row is a model name that leads to a model without any price, or that hides one.

{{ config(meta={'dagster': {'ref': {'name': 'model_aliases'}}}) }}

select
    aliases.provider,
    aliases.alias,
    aliases.model
from {{ ref('model_aliases') }} as aliases
where
    (aliases.provider, aliases.model) not in (
        select
            pricing.provider,
            coalesce(pricing.model, '*') as model
        from {{ ref('provider_pricing') }} as pricing
    )
    or (aliases.provider, aliases.alias) in (
        select
            pricing.provider,
            coalesce(pricing.model, '*') as model
        from {{ ref('provider_pricing') }} as pricing
    )
