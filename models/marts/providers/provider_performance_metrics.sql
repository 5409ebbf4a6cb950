-- Grain: one row per provider, model, task type and hour, day, week or month in UTC. Touched days
-- and their hours are computed whole from the facts; weeks and months are the sums of their days,
-- of which an incremental build adds up only what the touched ones changed, but their percentiles
-- come from merged histograms.
-- depends_on: {{ ref('int_touched_provider_days') }}
-- depends_on: {{ ref('stg_platform__seals') }}

{{
    config(
        incremental_strategy='replace_periods',
        pre_hook=[
            '{{ open_intake() }}',
            "{{ collect_touched_days('provider', after=['provider_duration_histogram']) }}",
            "{{ collect_touched_periods('provider', shortest=['hourly', 'daily']) }}",
            "{{ collect_touched_executions('provider') }}",
            "{{ collect_rows('standing_rows', this, unit='provider') }}",
            "{{ collect_sealed_days('provider') }}",
            '{{ join_by_hashing() }}',
        ],
        post_hook=[
            "{{ close_intake(after=['provider_duration_histogram']) }}",
            '{{ index_task_type_periods() }}',
        ],
        meta={'unit': 'provider', 'sealed': 'days'},
        indexes=[
            {'columns': ['provider', 'task_type', 'metric_date', 'aggregation_period']},
        ]
    )
}}

{%- set quality = {
    'costed_tasks': 'bigint', 'scored_tasks': 'bigint', 'total_quality_score': 'numeric(28, 12)'
} %}
{%- set period_key = ['provider', 'model', 'task_type', 'aggregation_period', 'period_start'] %}
{%- set identity = period_key[:-1] + [utc_text('period_start')] %}

with executions as (

    select * from {{ collected('touched_executions', ref('fct_task_executions')) }}

),

duration_days as (

    select *
    from {{ ref('provider_duration_histogram') }}
    {{ since_touched_periods() }}

),

timed_executions as (

    select
        executions.*,
        periods.aggregation_period,
        periods.period_start
    from executions
    cross join lateral (
        values
        ('hourly', {{ utc_hour('executions.start_time') }}),
        ('daily', {{ utc_midnight(local_date('executions.start_time', "'UTC'")) }})
    ) as periods (aggregation_period, period_start)

),

computed as (

    select
        executions.provider,
        executions.model,
        executions.task_type,
        executions.aggregation_period,
        executions.period_start,
        {{ task_measures() }},
        count(executions.cost_usd) filter (where executions.status = 'completed') as costed_tasks,
        {{ quality_measures() }},
        {{ exact_percentile(0.5, 'executions.duration_ms') }} as median_duration_ms,
        {{ exact_percentile(0.95, 'executions.duration_ms') }} as p95_duration_ms,
        {{ exact_percentile(0.99, 'executions.duration_ms') }} as p99_duration_ms
    from timed_executions as executions
    group by
        executions.provider,
        executions.model,
        executions.task_type,
        executions.aggregation_period,
        executions.period_start

),

computed_days as (

    select
        *,
        {{ local_date('period_start', "'UTC'") }} as metric_date
    from computed
    where aggregation_period = 'daily'

),

-- What touched days are now counts; what they were until now is taken off their weeks and months.
addends as (

    select
        computed_days.provider,
        computed_days.model,
        computed_days.task_type,
        periods.aggregation_period,
        {{ utc_midnight('periods.first_day') }} as period_start,
        {{ measures('computed_days') }},
        computed_days.costed_tasks,
        computed_days.scored_tasks,
        computed_days.total_quality_score
    from computed_days
    {{ periods_of_days('computed_days', ['weekly', 'monthly']) }}
    {% if is_incremental() %}
    union all
    select
        standing_rows.provider,
        standing_rows.model,
        standing_rows.task_type,
        periods.aggregation_period,
        {{ utc_midnight('periods.first_day') }} as period_start,
        {{ measures('standing_rows', '-') }},
        -standing_rows.costed_tasks as costed_tasks,
        -standing_rows.scored_tasks as scored_tasks,
        -standing_rows.total_quality_score as total_quality_score
    from standing_rows
    {{ periods_of_days('standing_rows', ['weekly', 'monthly']) }}
    where standing_rows.aggregation_period = 'daily'
    union all
    select
        standing_rows.provider,
        standing_rows.model,
        standing_rows.task_type,
        standing_rows.aggregation_period,
        standing_rows.period_start,
        {{ measures('standing_rows') }},
        standing_rows.costed_tasks,
        standing_rows.scored_tasks,
        standing_rows.total_quality_score
    from standing_rows
    where standing_rows.aggregation_period in ('weekly', 'monthly')
    {% endif %}

),

totals as (

    select
        addends.provider,
        addends.model,
        addends.task_type,
        addends.aggregation_period,
        addends.period_start,
        {{ sums('addends', dict(measure_names(), **quality)) }}
    from addends
    group by
        addends.provider,
        addends.model,
        addends.task_type,
        addends.aggregation_period,
        addends.period_start
    having sum(addends.total_tasks) > 0

),

merged_durations as (

    select
        duration_days.provider,
        duration_days.model,
        duration_days.task_type,
        periods.aggregation_period,
        {{ utc_midnight('periods.first_day') }} as period_start,
        duration_days.duration_bucket,
        sum(duration_days.timed_tasks) as timed_tasks
    from duration_days
    {{ periods_of_days('duration_days', ['weekly', 'monthly']) }}
    {{ of_touched_periods('duration_days', 'provider') }}
    group by
        duration_days.provider,
        duration_days.model,
        duration_days.task_type,
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
        {{ uuid_key(identity) }} as id,
        {{ histogram_percentile(0.5) }} as median_duration_ms,
        {{ histogram_percentile(0.95) }} as p95_duration_ms,
        {{ histogram_percentile(0.99) }} as p99_duration_ms
    from ranked_durations
    group by provider, model, task_type, aggregation_period, period_start

),

identified_totals as (

    select
        *,
        {{ uuid_key(identity) }} as id
    from totals

),

periods as (

    select
        {{ uuid_key([
            'computed.provider', 'computed.model', 'computed.task_type',
            'computed.aggregation_period', utc_text('computed.period_start'),
        ]) }} as id,
        computed.provider,
        computed.model,
        computed.task_type,
        computed.aggregation_period,
        computed.period_start,
        {{ measures('computed') }},
        computed.costed_tasks,
        computed.scored_tasks,
        computed.total_quality_score,
        computed.median_duration_ms,
        computed.p95_duration_ms,
        computed.p99_duration_ms
    from computed
    union all
    select
        identified_totals.id,
        identified_totals.provider,
        identified_totals.model,
        identified_totals.task_type,
        identified_totals.aggregation_period,
        identified_totals.period_start,
        {{ measures('identified_totals') }},
        identified_totals.costed_tasks,
        identified_totals.scored_tasks,
        identified_totals.total_quality_score,
        durations.median_duration_ms,
        durations.p95_duration_ms,
        durations.p99_duration_ms
    from identified_totals
    left join durations on identified_totals.id = durations.id

),

final as (

    select
        periods.id,
        periods.provider,
        periods.model,
        periods.task_type,
        {{ local_date('periods.period_start', "'UTC'") }} as metric_date,
        periods.aggregation_period,
        periods.period_start,
        {{ measures('periods') }},
        periods.successful_tasks + periods.failed_tasks as finished_tasks,
        {{ percentage(
            'periods.successful_tasks', 'periods.successful_tasks + periods.failed_tasks'
        ) }} as success_rate,
        {{ mean_ms('periods.total_duration_ms', 'periods.timed_tasks') }} as avg_duration_ms,
        periods.median_duration_ms,
        periods.p95_duration_ms,
        periods.p99_duration_ms,
        periods.costed_tasks,
        cast(periods.total_cost_usd / nullif(periods.costed_tasks, 0) as numeric(28, 12))
            as avg_cost_usd,
        periods.scored_tasks,
        periods.total_quality_score,
        cast(periods.total_quality_score / nullif(periods.scored_tasks, 0) as numeric(13, 12))
            as avg_quality_score
    from periods

)

select * from final
