-- Grain: one row per model that follows the facts, and one for the facts: the last build of the
-- facts that it holds, and the version of its formula. Models write it themselves, in the
-- transaction that writes their rows; here it is only created.

{{
    config(
        materialized='incremental',
        full_refresh=false,
        indexes=[{'columns': ['model_name'], 'unique': true}]
    )
}}

select
    cast(null as text) as model_name,
    cast(null as bigint) as build_id,
    cast(null as text) as version
where false
