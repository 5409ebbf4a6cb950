-- Grain: one row per organization and day, week or month in its reporting time zone. Touched days
-- are computed whole from the facts; weeks and months are the sums of their days, of which an
-- incremental build adds up only what the touched ones changed, but people are counted anew and
-- percentiles come from merged histograms.
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='replace_periods',
        pre_hook=[
            '{{ open_intake() }}',
            "{{ collect_touched_days(after=['user_analytics', 'organization_duration_histogram']) }}",
            '{{ collect_touched_periods() }}',
            '{{ collect_touched_executions() }}',
            "{{ collect_rows('standing_rows', this) }}",
            '{{ collect_sealed_days() }}',
            "{{ collect_rows('user_periods', ref('user_analytics'), columns=[
                'organization_id', 'user_id', 'aggregation_period', 'metric_date'
            ]) }}",
            '{{ join_by_hashing() }}',
        ],
        post_hook="{{ close_intake(after=['user_analytics', 'organization_duration_histogram']) }}",
        meta={'sealed': 'days'},
        indexes=[{'columns': ['organization_id', 'aggregation_period', 'metric_date']}]
    )
}}

{%- set period_key = ['organization_id', 'aggregation_period', 'metric_date'] %}
{%- set breakdown = {
    'tasks': 'bigint',
    'cost': 'numeric(28, 12)',
    'spend': 'numeric(28, 12)',
    'savings': 'numeric(28, 12)',
} %}

with executions as (

    select * from {{ collected('touched_executions', ref('fct_task_executions')) }}

),

user_periods as (

    select * from {{ collected('user_periods', ref('user_analytics')) }}

),

duration_days as (

    select *
    from {{ ref('organization_duration_histogram') }}
    {{ since_touched_periods() }}

),

members as (

    select * from {{ ref('int_organization_members') }}

),

computed_days as (

    select
        executions.organization_id,
        executions.metric_date,
        {{ task_measures() }},
        count(*) filter (where executions.savings_usd < 0) as negative_savings_tasks,
        count(*) filter (
            where
            executions.savings_status = 'compared' and executions.net_savings_usd is null
        ) as unknown_overhead_tasks,
        cast(coalesce(sum(executions.input_tokens), 0) as numeric(28, 0)) as input_tokens,
        cast(coalesce(sum(executions.output_tokens), 0) as numeric(28, 0)) as output_tokens,
        {{ sum_usd('executions.net_savings_usd') }} as total_net_savings_usd,
        {{ exact_percentile(0.5, 'executions.duration_ms') }} as p50_duration_ms,
        {{ exact_percentile(0.95, 'executions.duration_ms') }} as p95_duration_ms,
        {{ exact_percentile(0.99, 'executions.duration_ms') }} as p99_duration_ms
    from executions
    group by executions.organization_id, executions.metric_date

),

computed_breakdowns as (

    select
        executions.organization_id,
        executions.metric_date,
        case when grouping(executions.provider) = 0 then 'provider' else 'task_type' end
            as dimension,
        coalesce(executions.provider, executions.task_type) as member,
        count(*) as tasks,
        {{ sum_usd('executions.cost_usd', "executions.status = 'completed'") }} as cost,
        {{ sum_usd('executions.cost_usd') }} as spend,
        {{ sum_usd('executions.savings_usd') }} as savings
    from executions
    group by
        grouping sets (
            (executions.organization_id, executions.metric_date, executions.provider),
            (executions.organization_id, executions.metric_date, executions.task_type)
        )

),

{% if is_incremental() %}
standing_breakdowns as (

    {% for dimension in ['provider', 'task_type'] %}
    select
        standing_rows.organization_id,
        standing_rows.aggregation_period,
        standing_rows.metric_date,
        '{{ dimension }}' as dimension,
        entries.member,
        {{ json_number('entries.entry', 'bigint', 'tasks') }} as tasks,
        {{ json_number('entries.entry', 'numeric(28, 12)', 'cost') }} as cost,
        {{ json_number('entries.entry', 'numeric(28, 12)', 'spend') }} as spend,
        {{ json_number('entries.entry', 'numeric(28, 12)', 'savings') }} as savings
    from standing_rows
    {{ json_object_entries('standing_rows.by_' ~ dimension, 'entries') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% endif %}
-- What touched days are now counts; what they were until now is taken off their weeks and months.
addends as (

    select
        computed_days.organization_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ measures('computed_days') }},
        computed_days.negative_savings_tasks,
        computed_days.unknown_overhead_tasks,
        computed_days.input_tokens,
        computed_days.output_tokens,
        computed_days.total_net_savings_usd
    from computed_days
    {{ periods_of_days('computed_days', ['daily', 'weekly', 'monthly']) }}
    {% if is_incremental() %}
    union all
    select
        standing_rows.organization_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ measures('standing_rows', '-') }},
        -standing_rows.negative_savings_tasks as negative_savings_tasks,
        -standing_rows.unknown_overhead_tasks as unknown_overhead_tasks,
        -standing_rows.input_tokens as input_tokens,
        -standing_rows.output_tokens as output_tokens,
        -standing_rows.total_net_savings_usd as total_net_savings_usd
    from standing_rows
    {{ periods_of_days('standing_rows', ['weekly', 'monthly']) }}
    where standing_rows.aggregation_period = 'daily'
    union all
    select
        standing_rows.organization_id,
        standing_rows.aggregation_period,
        standing_rows.metric_date,
        {{ measures('standing_rows') }},
        standing_rows.negative_savings_tasks,
        standing_rows.unknown_overhead_tasks,
        standing_rows.input_tokens,
        standing_rows.output_tokens,
        standing_rows.total_net_savings_usd
    from standing_rows
    where standing_rows.aggregation_period <> 'daily'
    {% endif %}

),

breakdown_addends as (

    select
        computed_breakdowns.organization_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        computed_breakdowns.dimension,
        computed_breakdowns.member,
        computed_breakdowns.tasks,
        computed_breakdowns.cost,
        computed_breakdowns.spend,
        computed_breakdowns.savings
    from computed_breakdowns
    {{ periods_of_days('computed_breakdowns', ['daily', 'weekly', 'monthly']) }}
    {% if is_incremental() %}
    union all
    select
        standing_breakdowns.organization_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        standing_breakdowns.dimension,
        standing_breakdowns.member,
        -standing_breakdowns.tasks as tasks,
        -standing_breakdowns.cost as cost,
        -standing_breakdowns.spend as spend,
        -standing_breakdowns.savings as savings
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
        addends.aggregation_period,
        addends.metric_date,
        {{ sums('addends', dict(
            measure_names(),
            negative_savings_tasks='bigint',
            unknown_overhead_tasks='bigint',
            input_tokens='numeric(28, 0)',
            output_tokens='numeric(28, 0)',
            total_net_savings_usd='numeric(28, 12)',
        )) }}
    from addends
    group by
        addends.organization_id,
        addends.aggregation_period,
        addends.metric_date
    having sum(addends.total_tasks) > 0

),

member_totals as (

    select
        breakdown_addends.organization_id,
        breakdown_addends.aggregation_period,
        breakdown_addends.metric_date,
        breakdown_addends.dimension,
        breakdown_addends.member,
        {{ sums('breakdown_addends', breakdown) }}
    from breakdown_addends
    group by
        breakdown_addends.organization_id,
        breakdown_addends.aggregation_period,
        breakdown_addends.metric_date,
        breakdown_addends.dimension,
        breakdown_addends.member
    having sum(breakdown_addends.tasks) > 0

),

compositions as (

    select
        {{ uuid_key(period_key) }} as id,
        count(*) filter (where dimension = 'provider') as providers_used,
        {{ json_object_of('member', 'tasks') }} filter (where dimension = 'provider')
            as provider_usage,
        {{ json_object_of('member', 'spend') }} filter (where dimension = 'provider')
            as provider_costs,
        {{ json_object_of('member', json_object({
            'tasks': 'tasks', 'cost': 'cost', 'spend': 'spend', 'savings': 'savings'
        })) }} filter (where dimension = 'provider') as by_provider,
        {{ json_object_of('member', 'tasks') }} filter (where dimension = 'task_type')
            as task_type_distribution,
        {{ json_object_of('member', json_object({
            'tasks': 'tasks', 'cost': 'cost', 'spend': 'spend', 'savings': 'savings'
        })) }} filter (where dimension = 'task_type') as by_task_type
    from member_totals
    group by organization_id, aggregation_period, metric_date

),

-- Everybody who was a member by the end of the period, and whoever worked in it without being
-- known.
head_counts as (

    select
        {{ uuid_key([
            'totals.organization_id', 'totals.aggregation_period', 'totals.metric_date',
        ]) }} as id,
        count(members.user_id) as member_count
    from totals
    left join members
        on
            totals.organization_id = members.organization_id
            and members.member_since
            <= {{ last_day('totals.aggregation_period', 'totals.metric_date') }}
    group by totals.organization_id, totals.aggregation_period, totals.metric_date

),

people as (

    select
        {{ uuid_key([
            'user_periods.organization_id', 'user_periods.aggregation_period',
            'user_periods.metric_date',
        ]) }} as id,
        count(user_periods.user_id) as active_developers,
        count(user_periods.user_id) filter (where members.user_id is null) as unknown_developers
    from user_periods
    left join members
        on
            user_periods.organization_id = members.organization_id
            and user_periods.user_id = members.user_id
            and members.member_since
            <= {{ last_day('user_periods.aggregation_period', 'user_periods.metric_date') }}
    group by
        user_periods.organization_id, user_periods.aggregation_period, user_periods.metric_date

),

merged_durations as (

    select
        duration_days.organization_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        duration_days.duration_bucket,
        sum(duration_days.timed_tasks) as timed_tasks
    from duration_days
    {{ periods_of_days('duration_days', ['weekly', 'monthly']) }}
    {{ of_touched_periods('duration_days') }}
    group by
        duration_days.organization_id,
        periods.aggregation_period,
        periods.first_day,
        duration_days.duration_bucket

),

ranked_durations as (

    select
        *,
        {{ reached_tasks(period_key) }}
    from merged_durations

),

durations as (

    select
        {{ uuid_key(['organization_id', "'daily'", 'metric_date']) }} as id,
        p50_duration_ms,
        p95_duration_ms,
        p99_duration_ms
    from computed_days
    union all
    select
        {{ uuid_key(period_key) }} as id,
        {{ histogram_percentile(0.5) }} as p50_duration_ms,
        {{ histogram_percentile(0.95) }} as p95_duration_ms,
        {{ histogram_percentile(0.99) }} as p99_duration_ms
    from ranked_durations
    group by organization_id, aggregation_period, metric_date

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
        identified.metric_date,
        identified.aggregation_period,
        identified.total_tasks,
        identified.successful_tasks,
        identified.failed_tasks,
        identified.timed_out_tasks,
        identified.unpriced_tasks,
        identified.compared_tasks,
        identified.negative_savings_tasks,
        identified.unknown_overhead_tasks,
        head_counts.member_count + people.unknown_developers as total_developers,
        people.active_developers,
        identified.total_tokens,
        identified.input_tokens,
        identified.output_tokens,
        identified.total_cost_usd,
        identified.failed_cost_usd,
        identified.total_spend_usd,
        identified.compared_cost_usd,
        identified.total_baseline_cost_usd,
        identified.total_savings_usd,
        identified.total_net_savings_usd,
        {{ percentage('identified.total_savings_usd', 'identified.total_baseline_cost_usd') }}
            as savings_percentage,
        identified.total_duration_ms,
        identified.timed_tasks,
        identified.total_requests,
        {{ mean_ms('identified.total_duration_ms', 'identified.timed_tasks') }} as avg_duration_ms,
        durations.p50_duration_ms,
        durations.p95_duration_ms,
        durations.p99_duration_ms,
        compositions.providers_used,
        compositions.provider_usage,
        compositions.provider_costs,
        compositions.by_provider,
        compositions.task_type_distribution,
        compositions.by_task_type
    from identified
    inner join compositions on identified.id = compositions.id
    inner join head_counts on identified.id = head_counts.id
    inner join people on identified.id = people.id
    left join durations on identified.id = durations.id

)

select * from final
