-- Grain: one row per user, under the column names of the platform's documents, so that the queries
-- published there, which join people by their id alone, run unchanged. Of several organizations
-- that know an id, the one that stated it first says whose it is. Without a `with`, which would
-- keep joins from looking users up through their indexes.

{{ config(materialized='view') }}

select
    members.user_id as id,
    members.organization_id,
    members.user_name as name,
    members.team,
    members.role,
    members.updated_at
from {{ ref('dim_users') }} as members
where
    not exists (
        select 1
        from {{ ref('dim_users') }} as others
        where
            members.user_id = others.user_id
            and (
                others.is_inferred,
                coalesce(others.first_version_at, cast('infinity' as timestamptz)),
                others.organization_id
            ) < (
                members.is_inferred,
                coalesce(members.first_version_at, cast('infinity' as timestamptz)),
                members.organization_id
            )
    )
