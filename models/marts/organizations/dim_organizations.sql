-- Grain: one row per organization, as its latest version says. An organization that is known only
-- from what names it stands here as an inferred member until its own event arrives.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='organization_id',
        pre_hook='{{ open_changes() }}',
        post_hook='{{ close_changes() }}',
        meta={'sealed': 'members'}
    )
}}

with organizations as (

    select * from {{ ref('stg_platform__organizations') }}

),

arrived as (

    select organization_id
    from organizations
    where _load_id in ({{ newly_processed_loads() }})
    union
    select organization_id
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in(newly_processed_loads()) }}
    union
    select organization_id
    from {{ ref('stg_platform__routing_decisions') }}
    where
        {{ landed_in(newly_processed_loads()) }}
    union
    select organization_id
    from {{ ref('stg_platform__users') }}
    where _load_id in ({{ newly_processed_loads() }})
    union
    select organization_id
    from {{ ref('stg_platform__adjustments') }}
    where _load_id in ({{ newly_processed_loads() }})

),

ranked as (

    select
        *,
        min(believed_at) over (partition by organization_id) as first_version_at,
        row_number() over (
            partition by organization_id
            order by
                {{ version_order('organization') }}
        ) = 1 as is_latest
    from organizations
    where organization_id in (select arrived.organization_id from arrived)

),

final as (

    select
        arrived.organization_id,
        ranked.organization_name,
        ranked.tier,
        coalesce(ranked.timezone, 'UTC') as timezone,
        ranked.baseline_provider,
        ranked.baseline_model,
        ranked.monthly_budget_usd,
        ranked.organization_id is null as is_inferred,
        ranked.first_version_at,
        ranked.updated_at
    from arrived
    left join ranked
        on
            arrived.organization_id = ranked.organization_id
            and ranked.is_latest

)

select * from final
