-- The team of everybody who is in one team alone, and when that may have changed last. Nobody's name is read.
with memberships as (

    select
        users.user_id,
        users.updated_at,
        teams.team_id
    from "LiteLLM_UserTable" as users
    left join lateral (
        select listed.team_id
        from unnest(users.teams) as listed (team_id)
        union
        select users.team_id
        where users.team_id is not null
    ) as teams on true

)

select
    memberships.user_id as id,
    case
        when count(memberships.team_id) = 1
            then max(coalesce(nullif(teams.team_alias, ''), memberships.team_id))
    end as name,
    greatest(max(memberships.updated_at), max(teams.updated_at)) at time zone 'UTC' as updated_at
from memberships
left join "LiteLLM_TeamTable" as teams on memberships.team_id = teams.team_id
group by memberships.user_id
