-- A returned row is a price in force at some time that charges less for output than for input. A
-- warning: it is more often a slip of the list than a price.

{{ config(severity='warn') }}

select
    provider,
    model_scope,
    task_type_scope,
    service_tier_scope,
    organization_scope,
    context_over_tokens,
    valid_from,
    input_usd_per_mtok,
    output_usd_per_mtok
from {{ ref('int_price_windows') }}
where output_usd_per_mtok < input_usd_per_mtok
