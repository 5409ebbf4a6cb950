-- Grain: one row per landed version that does not count, or not for sure, and reason: it has the id
-- of another organization, another version of the same moment says something else, or its stamp was
-- ahead of the clock when it landed. What something arrived about is looked at again.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_processed_loads') }}

{{
    config(
        incremental_strategy='append',
        pre_hook=['{{ open_changes() }}', '{{ collect_arrived_entities() }}'],
        post_hook='{{ close_changes() }}',
        indexes=[
            {'columns': ['entity_id']},
            {'columns': ['load_id']},
        ]
    )
}}

{%- set keys = {
    'task_execution': 'execution_id', 'routing_decision': 'routing_decision_id',
    'organization': 'organization_id', 'user': 'user_id',
} %}
{#- What a version says of what it is about, and not of itself. -#}
{%- set content -%}
to_jsonb(placed) - array[
                    'event_id', '_load_id', '_line_number', 'believed_at', 'first_landing',
                    'has_early_stamp', 'error_message', 'owner_organization_id', 'place',
                    'versions_of_place'
                ]
{%- endset -%}
{#- A session of Claude Code that resumes another writes what came before it again, as its own. -#}
{%- set but_session = " - case when placed.source = 'claude_code' then 'session_id' else '' end" -%}

with loads as (

    select * from {{ ref('stg_warehouse__loads') }}

),

sealed as (

    select distinct
        execution_id,
        organization_id
    from {{ ref('int_sealed_versions') }}

),

{% for event_kind, key in keys.items() %}
{{ event_kind }}_events as (

    {{ versions_of(
        ref('stg_platform__' ~ event_kind ~ 's'), key,
        'arrived_' ~ event_kind ~ 's' if is_incremental()
    ) }}
    where
        versions._load_id in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )

),

{% endfor %}
{% for event_kind, moment in {
    'task_execution': 'start_time', 'routing_decision': 'decision_timestamp',
}.items() %}
{%- set key = keys[event_kind] %}
{%- set told = content ~ but_session if event_kind == 'task_execution' else content %}
{{ event_kind }}_stamps as (

    select
        events.{{ key }},
        events.organization_id,
        events.updated_at,
        count(*) as versions,
        bool_or(events.updated_at > loads.landed_at) as is_ahead
    from {{ event_kind }}_events as events
    left join loads on events._load_id = loads.load_id
    group by events.{{ key }}, events.organization_id, events.updated_at

),

{{ event_kind }}_organizations as (

    select
        {{ key }},
        organization_id,
        max(versions) as versions,
        bool_or(is_ahead) as is_ahead
    from {{ event_kind }}_stamps
    group by {{ key }}, organization_id

),

-- Few have anything about them to look at. Only these are put in order.
{{ event_kind }}_candidates as (

    select organizations.{{ key }}
    from {{ event_kind }}_organizations as organizations
    {% if event_kind == 'task_execution' %}
    left join sealed
        on
            organizations.execution_id = sealed.execution_id
            and organizations.organization_id <> sealed.organization_id
    {% endif %}
    group by organizations.{{ key }}
    having
        count(*) > 1
        or max(organizations.versions) > 1
        or bool_or(organizations.is_ahead)
        {% if event_kind == 'task_execution' %}
        or count(sealed.execution_id) > 0
        {% endif %}

),

{{ event_kind }}_versions as (

    {{ versions_of(
        ref('stg_platform__' ~ event_kind ~ 's'), key, event_kind ~ '_candidates'
    ) }}
    where
        versions._load_id in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )

),

{{ event_kind }}_claims as (

    {{ claimed_versions(event_kind, event_kind ~ '_versions') }}

),

{{ event_kind }}_places as (

    select
        *,
        first_value(organization_id) over versions_of_id as owner_organization_id,
        rank() over versions_of_id as place
    from {{ event_kind }}_claims
    window
        versions_of_id as (
            partition by {{ key }}
            order by
                {{ version_order(event_kind, by_content=true) }}
        )

),

{{ event_kind }}_ties as (

    select
        *,
        count(*) over (partition by {{ key }}, place) as versions_of_place
    from {{ event_kind }}_places

),

{{ event_kind }}_doubts as (

    select
        '{{ event_kind }}' as event_kind,
        placed.{{ key }} as entity_id,
        placed.organization_id,
        {% if event_kind == 'task_execution' %}
        -- What was sealed belongs to whom it was sealed for, whatever is left of its versions.
        coalesce(sealed.organization_id, placed.owner_organization_id) as owner_organization_id,
        {% else %}
        placed.owner_organization_id,
        {% endif %}
        placed.event_id,
        placed.updated_at,
        placed.believed_at,
        placed._load_id,
        placed._line_number,
        {{ local_date('placed.' ~ moment, "'UTC'") }} as event_date,
        case
            when placed.place = 1 and placed.versions_of_place > 1
                then
                    {{ told }}
        end as content
    from {{ event_kind }}_ties as placed
    {% if event_kind == 'task_execution' %}
    left join sealed on placed.execution_id = sealed.execution_id
    {% endif %}

),

{% endfor %}
{% for event_kind in ['organization', 'user'] %}
{%- set key = keys[event_kind] %}
{{ event_kind }}_ties as (

    select
        *,
        count(*) over (
            partition by organization_id, {{ key }}, believed_at, updated_at
        ) as versions_of_place
    from {{ event_kind }}_events

),

{{ event_kind }}_doubts as (

    select
        '{{ event_kind }}' as event_kind,
        placed.{{ key }} as entity_id,
        placed.organization_id,
        placed.organization_id as owner_organization_id,
        placed.event_id,
        placed.updated_at,
        placed.believed_at,
        placed._load_id,
        placed._line_number,
        {{ local_date('placed.updated_at', "'UTC'") }} as event_date,
        case
            when placed.versions_of_place > 1
                then
                    {{ content }}
        end as content
    from {{ event_kind }}_ties as placed

),

{% endfor %}
doubts as (

    {% for event_kind in keys %}
    select *
    from {{ event_kind }}_doubts
    where
        content is not null
        or updated_at > believed_at
        {% if event_kind in ('task_execution', 'routing_decision') %}
        or organization_id <> owner_organization_id
        {% endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

ambiguous as (

    select
        event_kind,
        organization_id,
        entity_id,
        updated_at
    from doubts
    where
        content is not null
        and organization_id = owner_organization_id
    group by event_kind, organization_id, entity_id, updated_at
    having count(distinct content) > 1

),

disputes as (

    select
        doubts.*,
        'other_organization' as reason
    from doubts
    where doubts.organization_id <> doubts.owner_organization_id
    union all
    select
        doubts.*,
        'ambiguous' as reason
    from doubts
    inner join ambiguous
        on
            doubts.event_kind = ambiguous.event_kind
            and doubts.organization_id = ambiguous.organization_id
            and doubts.entity_id = ambiguous.entity_id
            and doubts.updated_at = ambiguous.updated_at
    where doubts.content is not null
    union all
    select
        doubts.*,
        'stamped_ahead' as reason
    from doubts
    where
        doubts.updated_at
        > doubts.believed_at + interval '{{ var("stamp_ahead_warn_minutes") }} minutes'

),

final as (

    select
        disputes.event_kind,
        disputes.entity_id,
        disputes.reason,
        disputes.organization_id,
        disputes.owner_organization_id,
        disputes.event_id,
        disputes.event_date,
        disputes.updated_at,
        loads.landed_at,
        disputes._load_id as load_id,
        disputes._line_number as line_number,
        loads.source_name
    from disputes
    left join loads on disputes._load_id = loads.load_id

)

select * from final
