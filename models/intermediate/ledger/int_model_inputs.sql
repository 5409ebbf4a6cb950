-- Grain: one row per input that the facts have processed. They write it themselves, in the
-- transaction that writes their rows; here it is only created.

{{ config(materialized='incremental', full_refresh=false) }}

select
    cast(null as text) as model_name,
    cast(null as text) as input_kind,
    cast(null as text) as input_id,
    cast(null as bigint) as build_id,
    cast(null as text) as invocation_id,
    cast(null as timestamptz) as taken_in_at
where false
