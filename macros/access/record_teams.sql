{#- At the end of a run that built the users: who is, and who was, in which team, for the policies of those who lead
    one. A copy in other schemas may know less. What is as it was is not written again. -#}
{% macro record_teams(results) -%}
    {%- set versions = ref('dim_user_versions') -%}
    {%- set built = results | selectattr('node.name', 'equalto', 'dim_users')
        | selectattr('status', 'equalto', 'success') | list -%}
    {%- if execute and built and target.schema == 'public' and load_relation(versions) -%}
    {%- call statement('teams') -%}
        with known as (

            select
                organization_id,
                team,
                coalesce(array_agg(user_id order by user_id) filter (where valid_until is null), '{}') as user_ids,
                array_agg(
                    cast(row(user_id, valid_from, valid_until) as access.membership)
                    order by user_id, valid_from
                ) as members
            from {{ versions }}
            where team is not null
            group by organization_id, team

        ),

        forgotten as (

            delete from access.teams
            where
                organization_id in (select versions.organization_id from {{ versions }} as versions)
                and (organization_id, team) not in (select known.organization_id, known.team from known)

        )

        insert into access.teams (organization_id, team, user_ids, members)
        select
            organization_id,
            team,
            user_ids,
            members
        from known
        on conflict (organization_id, team) do update
        set user_ids = excluded.user_ids, members = excluded.members
        where (teams.user_ids, teams.members) is distinct from (excluded.user_ids, excluded.members)
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
