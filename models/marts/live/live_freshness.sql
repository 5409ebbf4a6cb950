-- Grain: one row per warehouse: until when its figures are.

{{ config(materialized='view') }}

with landed as (

    select max(landed_at) as last_landed_at
    from {{ ref('stg_warehouse__loads') }}

),

built as (

    select max(processed_at) as last_built_at
    from {{ ref('int_processed_loads') }}

),

final as (

    select
        landed.last_landed_at,
        built.last_built_at
    from landed
    cross join built

)

select * from final
