{#- Post-hook of the users: who is in which team, for the policies of those who lead one. -#}
{% macro record_teams() -%}
    {%- if not var('as_of') -%}
    with known as (

        select
            organization_id,
            team,
            array_agg(user_id order by user_id) as user_ids
        from {{ this }}
        where team is not null
        group by organization_id, team

    ),

    dissolved as (

        delete from access.teams
        where
            organization_id in (select users.organization_id from {{ this }} as users)
            and (organization_id, team) not in (select known.organization_id, known.team from known)

    )

    insert into access.teams (organization_id, team, user_ids)
    select
        organization_id,
        team,
        user_ids
    from known
    on conflict (organization_id, team) do update set user_ids = excluded.user_ids
    where teams.user_ids <> excluded.user_ids
    {%- endif -%}
{%- endmacro %}
