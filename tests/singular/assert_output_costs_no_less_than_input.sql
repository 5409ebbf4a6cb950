-- A returned row is a price in force at some time that charges less for output than for input and
-- was not recorded at a moment of the var `reviewed_price_recordings`. A warning: it is more often
-- a slip of the list than a price.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_price_windows'}}}) }}

select
    price_windows.provider,
    price_windows.model_scope,
    price_windows.task_type_scope,
    price_windows.service_tier_scope,
    price_windows.organization_scope,
    price_windows.context_over_tokens,
    price_windows.valid_from,
    price_windows.input_usd_per_mtok,
    price_windows.output_usd_per_mtok
from {{ ref('int_price_windows') }} as price_windows
inner join {{ ref('int_price_rows') }} as price_rows
    on price_windows.price_id = price_rows.price_id
where
    price_windows.output_usd_per_mtok < price_windows.input_usd_per_mtok
    and not price_rows.recorded_at = any({{ reviewed_price_recordings() }})
