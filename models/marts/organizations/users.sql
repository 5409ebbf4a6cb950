-- Grain: one row per user, under the column names of the platform's documents, so that the queries
-- published there run unchanged.

{{ config(materialized='view') }}

with members as (

    select * from {{ ref('dim_users') }}

),

final as (

    select
        user_id as id,
        organization_id,
        user_name as name,
        team,
        role,
        updated_at
    from members

)

select * from final
