-- Grain: one row per rule, organization (where it is about one) and period: what is observed now
-- beside its limit. Looks at the last days and at the month that it is, never at all of history.

{{ config(materialized='view') }}

with limits as (

    select * from {{ ref('int_quality_limits') }}

),

rules as (

    select * from {{ ref('int_alert_rules') }}

),

days as (

    select * from {{ ref('int_organization_days') }}

),

months as (

    select * from {{ ref('organization_months') }}

),

organizations as (

    select
        organization_id,
        monthly_budget_usd,
        {{ local_date(warehouse_now(), 'timezone') }} as today
    from {{ ref('dim_organizations') }}

),

recent_tasks as (

    select
        organizations.organization_id,
        sum(days.successful_tasks + days.failed_tasks) as finished_tasks,
        sum(days.failed_tasks) as failed_tasks,
        sum(days.compared_tasks) as compared_tasks,
        sum(days.negative_savings_tasks) as negative_savings_tasks
    from organizations
    inner join days on organizations.organization_id = days.organization_id
    cross join limits
    where
        days.metric_date > organizations.today - limits.alert_window_days
        and days.metric_date <= organizations.today
    group by organizations.organization_id

),

rates as (

    select
        recent_tasks.organization_id,
        measured.rule,
        measured.observed,
        measured.threshold,
        'last ' || limits.alert_window_days || ' days' as period,
        measured.observed > measured.threshold as is_broken
    from recent_tasks
    cross join limits
    cross join
        lateral (
            values
            (
                'few_tasks_fail',
                {{ percentage('recent_tasks.failed_tasks', 'recent_tasks.finished_tasks') }},
                limits.failed_tasks_warn_percentage
            ),
            (
                'most_tasks_succeed',
                {{ percentage('recent_tasks.failed_tasks', 'recent_tasks.finished_tasks') }},
                limits.failed_tasks_critical_percentage
            ),
            (
                'few_tasks_cost_more_than_their_baseline',
                {{ percentage(
                    'recent_tasks.negative_savings_tasks', 'recent_tasks.compared_tasks'
                ) }},
                limits.negative_savings_warn_percentage
            )
        ) as measured (rule, observed, threshold)
    where
        recent_tasks.finished_tasks >= limits.rate_min_tasks
        and measured.observed is not null

),

-- The month that it is, and for some days the one before: its last executions still arrive.
budget_months as (

    select
        organizations.organization_id,
        organizations.monthly_budget_usd,
        organizations.today,
        months.metric_date as first_day,
        {{ last_day("'monthly'", 'months.metric_date') }} as last_day,
        months.total_spend_usd
    from organizations
    cross join limits
    inner join months
        on
            organizations.organization_id = months.organization_id
            and months.metric_date in (
                {{ first_day('monthly', 'organizations.today') }},
                {{ first_day('monthly', '(organizations.today - limits.alert_window_days)') }}
            )
    where organizations.monthly_budget_usd is not null

),

-- Today is not over: a month goes on as its complete days went.
projections as (

    select
        budget_months.organization_id,
        budget_months.first_day,
        budget_months.monthly_budget_usd,
        cast(
            sum(days.total_spend_usd)
            * (budget_months.last_day - budget_months.first_day + 1)
            / (budget_months.today - budget_months.first_day)
            as numeric(28, 12)
        ) as projected_spend_usd
    from budget_months
    cross join limits
    inner join days
        on
            budget_months.organization_id = days.organization_id
            and budget_months.first_day <= days.metric_date
            and budget_months.today > days.metric_date
    where
        budget_months.today <= budget_months.last_day
        and budget_months.today - budget_months.first_day >= limits.budget_projection_min_days
    group by
        budget_months.organization_id,
        budget_months.first_day,
        budget_months.last_day,
        budget_months.today,
        budget_months.monthly_budget_usd

),

budgets as (

    select
        budget_months.organization_id,
        measured.rule,
        budget_months.total_spend_usd as observed,
        cast(
            budget_months.monthly_budget_usd * measured.limit_percentage / 100 as numeric(28, 12)
        ) as threshold,
        to_char(budget_months.first_day, 'YYYY-MM') as period
    from budget_months
    cross join limits
    cross join
        lateral (
            values
            ('spend_is_below_budget_notice', limits.budget_notice_percentage),
            ('spend_is_below_budget_warning', limits.budget_warn_percentage),
            ('spend_is_below_budget', cast(100 as numeric))
        ) as measured (rule, limit_percentage)
    union all
    select
        organization_id,
        'spend_will_stay_below_budget' as rule,
        projected_spend_usd as observed,
        cast(monthly_budget_usd as numeric(28, 12)) as threshold,
        to_char(first_day, 'YYYY-MM') as period
    from projections

),

last_landing as (

    select max(landed_at) as landed_at
    from {{ ref('stg_warehouse__loads') }}

),

oldest_prices as (

    select min(recorded_at) as recorded_at
    from {{ ref('int_fetched_prices') }}

),

ages as (

    select
        'landing_is_fresh' as rule,
        last_landing.landed_at as since,
        limits.landing_stale_hours as threshold
    from last_landing
    cross join limits
    union all
    select
        'fetched_prices_are_fresh' as rule,
        oldest_prices.recorded_at as since,
        limits.price_stale_hours as threshold
    from oldest_prices
    cross join limits

),

last_build as (

    select *
    from {{ ref('stg_warehouse__finished_builds') }}
    where command = 'build'
    order by ended_at desc
    limit 1

),

-- What only the latest changes were checked for does not show that all else has become right.
last_checks as (

    select distinct on (results.rule)
        results.rule,
        results.severity,
        results.broken_rows,
        results.is_success,
        results.checked_at
    from {{ ref('stg_warehouse__check_results') }} as results
    cross join limits
    where
        results.checked_at
        > {{ warehouse_now() }} - limits.alert_window_days * interval '24 hours'
        and results.severity <> 'info'
        and (results.is_full or not results.is_success)
        and results.rule not in (select rules.rule from rules)
    order by results.rule asc, results.checked_at desc

),

conditions as (

    select
        organization_id,
        rule,
        period,
        observed,
        threshold,
        is_broken,
        {{ warehouse_now() }} as observed_at
    from rates
    union all
    select
        organization_id,
        rule,
        period,
        observed,
        threshold,
        observed >= threshold and observed > 0 as is_broken,
        {{ warehouse_now() }} as observed_at
    from budgets
    union all
    select
        cast(null as uuid) as organization_id,
        rule,
        cast(null as text) as period,
        cast(extract(epoch from {{ warehouse_now() }} - since) / 3600 as numeric(28, 6))
            as observed,
        threshold,
        since < {{ warehouse_now() }} - threshold * interval '1 hour' as is_broken,
        {{ warehouse_now() }} as observed_at
    from ages
    where since is not null
    union all
    select
        cast(null as uuid) as organization_id,
        'builds_succeed' as rule,
        cast(null as text) as period,
        cast(failed_count as numeric) as observed,
        cast(0 as numeric) as threshold,
        failed_count > 0 as is_broken,
        ended_at as observed_at
    from last_build

),

known_conditions as (

    select
        conditions.*,
        rules.severity,
        rules.unit
    from conditions
    inner join rules on conditions.rule = rules.rule
    union all
    select
        cast(null as uuid) as organization_id,
        rule,
        cast(null as text) as period,
        cast(broken_rows as numeric) as observed,
        cast(0 as numeric) as threshold,
        not is_success as is_broken,
        checked_at as observed_at,
        severity,
        'rows' as unit
    from last_checks

),

final as (

    select
        concat_ws(':', rule, organization_id, period) as dedup_key,
        rule,
        severity,
        organization_id,
        period,
        unit,
        cast(observed as numeric(28, 12)) as observed,
        cast(threshold as numeric(28, 12)) as threshold,
        is_broken,
        observed_at
    from known_conditions
    -- Nobody is told of the whole warehouse who sees a part of it only.
    where organization_id is not null or (select access.reads_every_organization())

)

select * from final
