-- Grain: one row per organization and day with executions of the month that it is now in the
-- organization's present time zone, right to the last landed event: the built days, less what they
-- say of executions that have changed since, plus these executions as they are now.

{{ config(materialized='view') }}

{%- set measured = [
    'organization_id', 'metric_date', 'status', 'pricing_status', 'savings_status', 'total_tokens',
    'duration_ms', 'request_count', 'cost_usd', 'baseline_cost_usd', 'savings_usd',
] | join(',\n        ') %}

with pending as (

    -- Priced as the next build will price them.
    select * from {{ ref('int_executions_priced') }}

),

timezones as (

    select
        organization_id,
        timezone
    from {{ ref('int_organization_versions') }}
    where valid_until = cast('infinity' as timestamptz)

),

-- What a build of the facts changed and the built days do not hold yet.
unread_changes as (

    select * from {{ changes_of('fct_task_executions', reader='int_organization_days') }}

),

organizations as (

    select organization_id from {{ ref('dim_organizations') }}
    union
    select organization_id from unread_changes
    union
    select organization_id from pending

),

todays as (

    select
        organizations.organization_id,
        {{ local_date(warehouse_now(), "coalesce(timezones.timezone, 'UTC')") }} as today
    from organizations
    left join timezones on organizations.organization_id = timezones.organization_id

),

months as (

    select
        organization_id,
        today,
        {{ first_day('monthly', 'today') }} as first_day,
        {{ last_day("'monthly'", first_day('monthly', 'today')) }} as last_day
    from todays

),

built_days as (

    select days.*
    from months
    inner join {{ ref('int_organization_days') }} as days
        on
            months.organization_id = days.organization_id
            and days.metric_date between months.first_day and months.last_day
    -- Without a bookmark all facts are unread.
    where
        exists (
            select 1
            from {{ ref('int_bookmarks') }} as bookmarks
            where bookmarks.model_name = 'int_organization_days'
        )

),

pending_facts as (

    select facts.*
    from {{ ref('fct_task_executions') }} as facts
    where facts.execution_id in (select pending.execution_id from pending)

),

-- Nothing landed about these, but the clock went on. No month began more than 33 days ago.
overdue_facts as (

    select facts.*
    from {{ ref('fct_task_executions') }} as facts
    where
        facts.status in ('pending', 'running')
        and facts.end_time is null
        and not facts.is_timed_out
        and facts.start_time > {{ warehouse_now() }} - interval '33 days'
        and facts.start_time
        <= {{ warehouse_now() }} - interval '{{ var("timeout_minutes") }} minutes'
        and facts.execution_id not in (select pending.execution_id from pending)

),

-- What stands in the built days counts less, so that the sum is what holds now.
executions as (

    select
        {{ measured }},
        is_timed_out,
        1 as sign,
        true as is_pending
    from pending
    union all
    select
        {{ measured }},
        is_timed_out,
        -1 as sign,
        false as is_pending
    from pending_facts
    union all
    select
        {{ measured }},
        true as is_timed_out,
        1 as sign,
        false as is_pending
    from overdue_facts
    union all
    select
        {{ measured }},
        is_timed_out,
        -1 as sign,
        false as is_pending
    from overdue_facts
    union all
    select
        {{ measured }},
        is_timed_out,
        sign,
        false as is_pending
    from unread_changes

),

changes as (

    select
        executions.organization_id,
        executions.metric_date,
        {{ task_measures() }},
        count(*) filter (where executions.is_pending) as pending_executions
    from executions
    group by executions.organization_id, executions.metric_date

),

contributions as (

    select
        built_days.organization_id,
        built_days.metric_date,
        {{ measures('built_days') }},
        0 as pending_executions
    from built_days
    union all
    select
        changes.organization_id,
        changes.metric_date,
        {{ measures('changes') }},
        changes.pending_executions
    from changes

),

totals as (

    select
        contributions.organization_id,
        contributions.metric_date,
        contributions.metric_date = months.today as is_today,
        {{ sums('contributions', dict(measure_names(), pending_executions='bigint')) }}
    from contributions
    inner join months
        on
            contributions.organization_id = months.organization_id
            and contributions.metric_date between months.first_day and months.last_day
    group by contributions.organization_id, contributions.metric_date, months.today

),

freshness as (

    select * from {{ ref('live_freshness') }}

),

final as (

    select
        totals.organization_id,
        totals.metric_date,
        cast('daily' as text) as aggregation_period,
        totals.is_today,
        totals.total_tasks,
        totals.successful_tasks,
        totals.failed_tasks,
        totals.timed_out_tasks,
        totals.total_tasks - totals.successful_tasks - totals.failed_tasks - totals.timed_out_tasks
            as running_tasks,
        totals.failed_tasks + totals.timed_out_tasks as active_errors,
        totals.unpriced_tasks,
        totals.compared_tasks,
        totals.total_tokens,
        totals.total_cost_usd,
        totals.failed_cost_usd,
        totals.total_spend_usd,
        totals.compared_cost_usd,
        totals.total_baseline_cost_usd,
        totals.total_savings_usd,
        {{ percentage('totals.total_savings_usd', 'totals.total_baseline_cost_usd') }}
            as savings_percentage,
        totals.pending_executions,
        freshness.last_landed_at,
        freshness.last_built_at
    from totals
    cross join freshness
    where totals.total_tasks > 0

)

select * from final
