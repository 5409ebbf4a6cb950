-- Grain: one row per organization, user and day, week or month in the organization's reporting time
-- zone; executions without a user stand together under no user. Touched days are computed whole
-- from the facts; weeks and months are the sums of their days, of which an incremental build adds
-- up only what the touched ones changed.
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_touched_organization_days') }}
-- depends_on: {{ ref('int_touched_user_days') }}

{{
    config(
        incremental_strategy='replace_periods',
        pre_hook=[
            '{{ open_intake() }}',
            "{{ collect_touched_days('user') }}",
            "{{ collect_touched_periods('user') }}",
            "{{ collect_touched_executions('user') }}",
            "{{ collect_rows('standing_rows', this, unit='user') }}",
            "{{ collect_sealed_days('user') }}",
            '{{ join_by_hashing() }}',
        ],
        post_hook=['{{ close_intake() }}', '{{ index_user_periods() }}'],
        meta={'unit': 'user', 'sealed': 'days'},
        indexes=[{'columns': ['user_id', 'metric_date']}]
    )
}}

{%- set period_key = ['organization_id', 'user_id', 'aggregation_period', 'metric_date'] %}

with executions as (

    select * from {{ collected('touched_executions', ref('fct_task_executions')) }}

),

computed_days as (

    select
        executions.organization_id,
        executions.user_id,
        executions.metric_date,
        {{ task_measures() }}
    from executions
    group by executions.organization_id, executions.user_id, executions.metric_date

),

computed_breakdowns as (

    select
        organization_id,
        user_id,
        metric_date,
        case when grouping(provider) = 0 then 'provider' else 'task_type' end as dimension,
        coalesce(provider, task_type) as member,
        count(*) as tasks
    from executions
    group by
        grouping sets (
            (organization_id, user_id, metric_date, provider),
            (organization_id, user_id, metric_date, task_type)
        )

),

{% if is_incremental() %}
standing_breakdowns as (

    {% for dimension, column in [
        ('provider', 'provider_usage'), ('task_type', 'task_type_distribution')
    ] %}
    select
        standing_rows.organization_id,
        standing_rows.user_id,
        standing_rows.aggregation_period,
        standing_rows.metric_date,
        '{{ dimension }}' as dimension,
        entries.member,
        {{ json_number('entries.entry', 'bigint') }} as tasks
    from standing_rows
    {{ json_object_entries('standing_rows.' ~ column, 'entries') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% endif %}
-- What touched days are now counts; what they were until now is taken off their weeks and months.
addends as (

    select
        computed_days.organization_id,
        computed_days.user_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ measures('computed_days') }}
    from computed_days
    {{ periods_of_days('computed_days', ['daily', 'weekly', 'monthly']) }}
    {% if is_incremental() %}
    union all
    select
        standing_rows.organization_id,
        standing_rows.user_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ measures('standing_rows', '-') }}
    from standing_rows
    {{ periods_of_days('standing_rows', ['weekly', 'monthly']) }}
    where standing_rows.aggregation_period = 'daily'
    union all
    select
        standing_rows.organization_id,
        standing_rows.user_id,
        standing_rows.aggregation_period,
        standing_rows.metric_date,
        {{ measures('standing_rows') }}
    from standing_rows
    where standing_rows.aggregation_period <> 'daily'
    {% endif %}

),

breakdown_addends as (

    select
        computed_breakdowns.organization_id,
        computed_breakdowns.user_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        computed_breakdowns.dimension,
        computed_breakdowns.member,
        computed_breakdowns.tasks
    from computed_breakdowns
    {{ periods_of_days('computed_breakdowns', ['daily', 'weekly', 'monthly']) }}
    {% if is_incremental() %}
    union all
    select
        standing_breakdowns.organization_id,
        standing_breakdowns.user_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        standing_breakdowns.dimension,
        standing_breakdowns.member,
        -standing_breakdowns.tasks as tasks
    from standing_breakdowns
    {{ periods_of_days('standing_breakdowns', ['weekly', 'monthly']) }}
    where standing_breakdowns.aggregation_period = 'daily'
    union all
    select *
    from standing_breakdowns
    where standing_breakdowns.aggregation_period <> 'daily'
    {% endif %}

),

totals as (

    select
        addends.organization_id,
        addends.user_id,
        addends.aggregation_period,
        addends.metric_date,
        {{ sums('addends', measure_names()) }}
    from addends
    group by
        addends.organization_id,
        addends.user_id,
        addends.aggregation_period,
        addends.metric_date
    having sum(addends.total_tasks) > 0

),

member_totals as (

    select
        breakdown_addends.organization_id,
        breakdown_addends.user_id,
        breakdown_addends.aggregation_period,
        breakdown_addends.metric_date,
        breakdown_addends.dimension,
        breakdown_addends.member,
        cast(sum(breakdown_addends.tasks) as bigint) as tasks
    from breakdown_addends
    group by
        breakdown_addends.organization_id,
        breakdown_addends.user_id,
        breakdown_addends.aggregation_period,
        breakdown_addends.metric_date,
        breakdown_addends.dimension,
        breakdown_addends.member
    having sum(breakdown_addends.tasks) > 0

),

compositions as (

    select
        {{ uuid_key(period_key) }} as id,
        -- The array is never shown: of the members in this order it gives the first one.
        (
            array_agg(member order by tasks desc, {{ in_code_order('member') }})
            filter (where dimension = 'provider')
        )[1] as most_used_provider,
        {{ json_object_of('member', 'tasks') }} filter (where dimension = 'provider')
            as provider_usage,
        {{ json_object_of('member', 'tasks') }} filter (where dimension = 'task_type')
            as task_type_distribution
    from member_totals
    group by organization_id, user_id, aggregation_period, metric_date

),

identified as (

    select
        *,
        {{ uuid_key(period_key) }} as id
    from totals

),

final as (

    select
        identified.id,
        identified.organization_id,
        identified.user_id,
        identified.metric_date,
        identified.aggregation_period,
        {{ measures('identified') }},
        {{ mean_ms('identified.total_duration_ms', 'identified.timed_tasks') }}
            as avg_task_duration_ms,
        {{ percentage('identified.total_savings_usd', 'identified.total_baseline_cost_usd') }}
            as savings_percentage,
        compositions.most_used_provider,
        compositions.provider_usage,
        compositions.task_type_distribution
    from identified
    inner join compositions on identified.id = compositions.id

)

select * from final
