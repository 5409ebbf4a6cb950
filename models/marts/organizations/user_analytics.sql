-- Grain: one row per organization, user and day, week or month in the organization's reporting time
-- zone; executions without a user stand together under no user. Touched days are computed whole
-- from the facts; weeks and months are added up from days.
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
            "{{ collect_rows('standing_rows', this, of='standing_days', unit='user') }}",
            '{{ join_by_hashing() }}',
        ],
        post_hook='{{ close_intake() }}',
        meta={'unit': 'user', 'sealed': 'days'},
        indexes=[
            {'columns': ['organization_id', 'metric_date', 'aggregation_period']},
            {'columns': ['user_id', 'metric_date']},
        ]
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

days as (

    select
        computed_days.organization_id,
        computed_days.user_id,
        computed_days.metric_date,
        {{ measures('computed_days') }}
    from computed_days
    {% if is_incremental() %}
    union all
    select
        standing_rows.organization_id,
        standing_rows.user_id,
        standing_rows.metric_date,
        {{ measures('standing_rows') }}
    from standing_rows
    {% endif %}

),

breakdowns as (

    select * from computed_breakdowns
    {% if is_incremental() %}
    {% for dimension, column in [
        ('provider', 'provider_usage'), ('task_type', 'task_type_distribution')
    ] %}
    union all
    select
        standing_rows.organization_id,
        standing_rows.user_id,
        standing_rows.metric_date,
        '{{ dimension }}' as dimension,
        entries.member,
        {{ json_number('entries.entry', 'bigint') }} as tasks
    from standing_rows
    {{ json_object_entries('standing_rows.' ~ column, 'entries') }}
    {% endfor %}
    {% endif %}

),

totals as (

    select
        days.organization_id,
        days.user_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ sums('days', measure_names()) }}
    from days
    {{ periods_of_days('days', ['daily', 'weekly', 'monthly'], 'user') }}
    group by days.organization_id, days.user_id, periods.aggregation_period, periods.first_day

),

member_totals as (

    select
        breakdowns.organization_id,
        breakdowns.user_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        breakdowns.dimension,
        breakdowns.member,
        cast(sum(breakdowns.tasks) as bigint) as tasks
    from breakdowns
    {{ periods_of_days('breakdowns', ['daily', 'weekly', 'monthly'], 'user') }}
    group by
        breakdowns.organization_id,
        breakdowns.user_id,
        periods.aggregation_period,
        periods.first_day,
        breakdowns.dimension,
        breakdowns.member

),

ranked_members as (

    select
        *,
        row_number() over (
            partition by organization_id, user_id, aggregation_period, metric_date, dimension
            order by tasks desc, {{ in_code_order('member') }}
        ) as place
    from member_totals

),

compositions as (

    select
        {{ uuid_key(period_key) }} as id,
        max(member) filter (where dimension = 'provider' and place = 1) as most_used_provider,
        {{ json_object_of('member', 'tasks') }} filter (where dimension = 'provider')
            as provider_usage,
        {{ json_object_of('member', 'tasks') }} filter (where dimension = 'task_type')
            as task_type_distribution
    from ranked_members
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
