-- Grain: one row per load that the facts have processed. They write it themselves, in the
-- transaction that writes their rows; here it is only created.

{{
    config(
        materialized='incremental',
        full_refresh=false,
        post_hook="{{ ensure_primary_key('load_id') }}"
    )
}}

select
    cast(null as bigint) as load_id,
    cast(null as bigint) as build_id,
    cast(null as text) as invocation_id,
    cast(null as timestamptz) as processed_at
where false
