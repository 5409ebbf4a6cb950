-- Grain: one row per load that the facts have not processed: what the next build takes in. A
-- difference of sets and never a latest moment, so that a load that commits late is not skipped.

with loads as (

    select * from {{ ref('stg_warehouse__loads') }}

),

processed_loads as (

    select * from {{ ref('int_processed_loads') }}

),

final as (

    select
        load_id,
        landed_at
    from loads
    where load_id not in (select processed_loads.load_id from processed_loads)

)

select * from final
