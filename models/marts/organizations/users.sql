-- Grain: one row per organization and user, under the column names of the platform's documents, so
-- that the queries published there run unchanged. Without a `with`, which would keep joins from
-- looking users up through their indexes.

{{ config(materialized='view') }}

select
    user_id as id,
    organization_id,
    user_name as name,
    team,
    role,
    updated_at
from {{ ref('dim_users') }}
