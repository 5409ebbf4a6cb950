-- Grain: one row per source and field that it cannot tell.

{{ config(materialized='view') }}

with source_gaps as (

    select * from {{ ref('int_source_gaps') }}

),

final as (

    select
        source,
        field,
        reason
    from source_gaps

)

select * from final
