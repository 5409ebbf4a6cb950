-- Grain: one row per provider, model, task type, open day in UTC and pair of layers: days are
-- compared with the facts and with their hours.
-- depends_on: {{ ref('int_touched_provider_days') }}
-- depends_on: {{ ref('stg_platform__seals') }}

{%- set after = ['int_provider_days', 'int_provider_hours'] %}

{{
    config(
        incremental_strategy='replace_days',
        full_refresh=(true if var('as_of', '') or var('sweep') else none),
        pre_hook=[
            '{{ open_intake() }}',
            "{{ collect_touched_days('provider', after=" ~ after ~ ") }}",
        ],
        post_hook='{{ close_intake(after=' ~ after ~ ') }}',
        meta={'unit': 'provider'},
        indexes=[{'columns': ['is_equal']}]
    )
}}

{%- set key = ['provider', 'model', 'task_type', 'metric_date'] %}
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
    'facts_to_provider_durations': {
        'upstream': 'timed_days', 'downstream': 'duration_days',
        'measures': ['timed_tasks', 'bucket_total'], 'count': 'timed_tasks',
    },
} %}

with executions as (

    select
        executions.*,
        1 as sign,
        {{ local_date('executions.start_time', "'UTC'") }} as utc_date
    from {{ ref('fct_task_executions') }} as executions
    {{ of_touched_days('executions', 'provider') }}

),

fact_days as (

    select
        executions.provider,
        executions.model,
        executions.task_type,
        executions.utc_date as metric_date,
        {{ task_measures() }},
        {{ count_tasks("executions.status = 'completed' and executions.cost_usd is not null") }}
            as costed_tasks,
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

open_days as (

    select *
    from {{ ref('int_provider_days') }} as days
    where {{ in_compared_days('days', 'provider') }}

),

provider_hours as (

    select
        hours.provider,
        hours.model,
        hours.task_type,
        hours.metric_date,
        {{ sums('hours', types) }}
    from {{ ref('int_provider_hours') }} as hours
    where {{ in_compared_days('hours', 'provider') }}
    group by hours.provider, hours.model, hours.task_type, hours.metric_date

),

duration_days as (

    select
        open_days.provider,
        open_days.model,
        open_days.task_type,
        open_days.metric_date,
        sum(cast(buckets.tasks as bigint)) as timed_tasks,
        sum(cast(buckets.bucket as bigint) * cast(buckets.tasks as bigint)) as bucket_total
    from open_days
    cross join {{ json_entries_text('open_days.durations') }} as buckets (bucket, tasks)
    group by open_days.provider, open_days.model, open_days.task_type, open_days.metric_date

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
