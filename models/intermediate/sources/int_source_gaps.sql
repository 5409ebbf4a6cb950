-- Grain: one row per source and field that it cannot tell, with a key that spells it out.

with source_gaps as (

    select * from {{ ref('source_gaps') }}

),

final as (

    select
        source || '|' || field as source_gap_id,
        source,
        field,
        reason
    from source_gaps

)

select * from final
