-- Grain: one row per provider, model, task type, open day in UTC and pair of layers: days are
-- compared with the facts and with their hours. A build compares the days that changed, and takes
-- for the facts what was compared last and what the log has added since; a full check compares all
-- open days.
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_execution_changes') }}
-- depends_on: {{ ref('stg_warehouse__seals') }}

{%- set after = ['int_provider_days', 'int_provider_hours'] %}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='comparison_id',
        pre_hook=[
            '{{ open_changes() }}',
            "{{ collect_compared_days('provider', 'facts_to_provider_days', " ~ after ~ ") }}",
        ],
        post_hook='{{ close_changes(after=' ~ after ~ ') }}',
        meta={'unit': 'provider', 'sealed': 'comparisons'},
        indexes=[{'columns': ['is_equal']}]
    )
}}

{%- set of_changes = compares_changes() %}
{%- set key = ['provider', 'model', 'task_type', 'metric_date'] %}
{%- set types = provider_measure_names() %}
{%- set measures = types.keys() | list %}
{%- set totals = {'count': 'total_tasks', 'tokens': 'total_tokens', 'usd': 'total_spend_usd'} %}
{%- set comparisons = {
    'facts_to_provider_days': dict(
        totals, upstream='expected_days', downstream='open_days',
        measures=['total_tasks', 'total_tokens', 'total_spend_usd'] if of_changes else measures
    ),
    'provider_hours_to_days': dict(
        totals, upstream='provider_hours', downstream='open_days', measures=measures
    ),
    'facts_to_provider_durations': {
        'upstream': 'timed_days', 'downstream': 'duration_days',
        'measures': ['timed_tasks'] if of_changes else [
            'timed_tasks', 'bucket_total', 'bucket_total_of_hours',
        ],
        'count': 'timed_tasks',
    },
} %}

with
{% if not of_changes %}
executions as (

    select
        executions.*,
        1 as sign,
        {{ local_date('executions.start_time', "'UTC'") }} as utc_date
    from {{ ref('fct_task_executions') }} as executions

),

fact_days as (

    select
        executions.provider,
        executions.model,
        executions.task_type,
        executions.utc_date as metric_date,
        {{ provider_measures() }},
        sum({{ duration_bucket('executions.duration_ms') }}) as bucket_total,
        sum({{ duration_bucket('executions.duration_ms') }}) as bucket_total_of_hours
    from executions
    where {{ is_open('executions', 'executions.utc_date', 'provider') }}
    group by executions.provider, executions.model, executions.task_type, executions.utc_date

),

{% endif %}
open_days as (

    select *
    from {{ ref('int_provider_days') }} as days
    where {{ in_compared_days('days', 'provider') }}

),

-- What a day must hold: in a full check what its executions do, else what it held and what was
-- logged.
expected_days as (

    {% if of_changes %}
    select *
    from compared_days
    where total_tasks <> 0
    {% else %}
    select * from fact_days
    {% endif %}

),

timed_days as (

    select *
    from {{ 'open_days' if of_changes else 'fact_days' }}
    where timed_tasks > 0

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

{{ compared_durations('provider') }},

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
