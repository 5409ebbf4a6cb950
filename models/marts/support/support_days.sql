-- Grain: one row per organization and day in its reporting time zone on which five people or more
-- worked. What fewer did would tell of single ones, so that support does not see it.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_execution_changes') }}
-- depends_on: {{ ref('int_processed_loads') }}
-- depends_on: {{ ref('int_sealed_days') }}

{%- set after = ['int_organization_days', 'int_user_days'] %}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key=['organization_id', 'metric_date'],
        pre_hook='{{ open_changes() }}',
        post_hook=[
            'delete from {{ this }} where active_developers < 5',
            '{{ close_changes(after=' ~ after ~ ') }}',
        ],
        meta={
            'readers': 'support',
            'sealed': 'days',
            'foreign_keys': {'dim_organizations': ['organization_id']},
        }
    )
}}

with changed_days as (

    select distinct
        organization_id,
        metric_date
    from
    {% if is_incremental() %}
        {{ changes_of('fct_task_executions', after=after) }}
    {% else %}
        {{ ref('int_organization_days') }}
    {% endif %}

),

days as (

    select * from {{ ref('int_organization_days') }}

),

people as (

    select * from {{ ref('int_user_days') }}

),

-- A day of which nothing is left has nobody, and goes like one with too few.
final as (

    select
        changed_days.organization_id,
        changed_days.metric_date,
        {%- for name, data_type in measure_names().items() %}
        cast(coalesce(days.{{ name }}, 0) as {{ data_type }}) as {{ name }},
        {%- endfor %}
        (
            select count(people.user_id)
            from people
            where
                people.organization_id = changed_days.organization_id
                and people.metric_date = changed_days.metric_date
        ) as active_developers
    from changed_days
    left join days
        on
            changed_days.organization_id = days.organization_id
            and changed_days.metric_date = days.metric_date

)

select * from final
