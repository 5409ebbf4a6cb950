-- Grain: one row per provider, model, task type, day, week or month in UTC and pair of layers. Days
-- are compared with the facts and with their hours while they are open, weeks and months with their
-- days.
-- depends_on: {{ ref('int_touched_provider_days') }}
-- depends_on: {{ ref('stg_platform__seals') }}

{%- set after = ['provider_duration_histogram', 'provider_performance_metrics'] %}

{{
    config(
        incremental_strategy='replace_periods',
        full_refresh=(true if var('as_of', '') or var('sweep') else none),
        pre_hook=[
            '{{ open_intake() }}',
            "{{ collect_touched_days('provider', after=" ~ after ~ ") }}",
            "{{ collect_touched_periods('provider') }}",
        ],
        post_hook='{{ close_intake(after=' ~ after ~ ') }}',
        meta={'unit': 'provider'},
        indexes=[{'columns': ['is_equal']}]
    )
}}

{%- set key = ['provider', 'model', 'task_type', 'aggregation_period', 'metric_date'] %}
{%- set types = dict(
    measure_names(),
    costed_tasks='bigint',
    scored_tasks='bigint',
    total_quality_score='numeric(28, 12)',
) %}
{%- set measures = types.keys() | list %}
{%- set totals = {'count': 'total_tasks', 'tokens': 'total_tokens', 'usd': 'total_spend_usd'} %}
{%- set comparisons = {
    'facts_to_provider_days': dict(
        totals, upstream='fact_days', downstream='open_days', measures=measures
    ),
    'provider_hours_to_days': dict(
        totals, upstream='provider_hours', downstream='open_days', measures=measures
    ),
    'facts_to_provider_histogram': {
        'upstream': 'timed_days', 'downstream': 'histogram_days',
        'measures': ['timed_tasks', 'bucket_total'], 'count': 'timed_tasks',
    },
    'provider_days_to_periods': dict(
        totals, upstream='summed_days', downstream='provider_periods', measures=measures
    ),
} %}

with executions as (

    select
        executions.*,
        {{ local_date('executions.start_time', "'UTC'") }} as utc_date
    from {{ ref('fct_task_executions') }} as executions
    {{ of_touched_days('executions', 'provider') }}

),

performance as (

    select * from {{ ref('provider_performance_metrics') }}

),

fact_days as (

    select
        executions.provider,
        executions.model,
        executions.task_type,
        'daily' as aggregation_period,
        executions.utc_date as metric_date,
        {{ task_measures() }},
        count(executions.cost_usd) filter (where executions.status = 'completed') as costed_tasks,
        {{ quality_measures() }},
        sum({{ duration_bucket('executions.duration_ms') }}) as bucket_total
    from executions
    {% if not is_incremental() %}
    where {{ is_open('executions', 'executions.utc_date', 'provider') }}
    {% endif %}
    group by executions.provider, executions.model, executions.task_type, executions.utc_date

),

timed_days as (

    select *
    from fact_days
    where timed_tasks > 0

),

daily_performance as (

    select *
    from performance
    where aggregation_period = 'daily'

),

open_days as (

    select *
    from daily_performance
    where {{ in_compared_days('daily_performance', 'provider') }}

),

provider_hours as (

    select
        hours.provider,
        hours.model,
        hours.task_type,
        'daily' as aggregation_period,
        hours.metric_date,
        {{ sums('hours', types) }}
    from performance as hours
    where
        hours.aggregation_period = 'hourly'
        and {{ in_compared_days('hours', 'provider') }}
    group by hours.provider, hours.model, hours.task_type, hours.metric_date

),

histogram_days as (

    select
        buckets.provider,
        buckets.model,
        buckets.task_type,
        'daily' as aggregation_period,
        buckets.metric_date,
        sum(buckets.timed_tasks) as timed_tasks,
        sum(buckets.duration_bucket * buckets.timed_tasks) as bucket_total
    from {{ ref('provider_duration_histogram') }} as buckets
    where {{ in_compared_days('buckets', 'provider') }}
    group by buckets.provider, buckets.model, buckets.task_type, buckets.metric_date

),

summed_days as (

    select
        days.provider,
        days.model,
        days.task_type,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ sums('days', types) }}
    from performance as days
    {{ periods_of_days('days', ['weekly', 'monthly']) }}
    {{ of_touched_periods('days', 'provider') }}
    where days.aggregation_period = 'daily'
    group by
        days.provider,
        days.model,
        days.task_type,
        periods.aggregation_period,
        periods.first_day

),

provider_periods as (

    select longer.*
    from performance as longer
    {% if is_incremental() %}
    inner join touched_periods
        on
            {{ same_unit('longer', 'touched_periods', 'provider') }}
            and longer.aggregation_period = touched_periods.aggregation_period
            and longer.metric_date = touched_periods.metric_date
    {% endif %}
    where longer.aggregation_period in ('weekly', 'monthly')

),

final as (

    {{ compare_sides(comparisons, key) }}

)

select
    {{ surrogate_key(['comparison'] + key) }} as comparison_id,
    comparison,
    provider,
    model,
    task_type,
    aggregation_period,
    metric_date,
    upstream_count,
    downstream_count,
    upstream_tokens,
    downstream_tokens,
    upstream_usd,
    downstream_usd,
    differing_measures,
    differing_measures is null as is_equal
from final
