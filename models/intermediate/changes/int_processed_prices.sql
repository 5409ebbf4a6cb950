-- Grain: one row per price input (`int_price_inputs`) that the facts are priced with. They write it
-- themselves, in the transaction that writes their rows; here it is only created.

{{
    config(
        materialized='incremental',
        full_refresh=false,
        post_hook="{{ ensure_primary_key('price_input_id') }}"
    )
}}

select
    cast(null as text) as price_input_id,
    cast(null as text) as input_kind,
    cast(null as text) as source_id,
    cast(null as uuid) as organization_id,
    cast(null as text) as provider,
    cast(null as text) as model,
    cast(null as timestamptz) as valid_from,
    cast(null as timestamptz) as valid_until
where false
