-- Grain: one row per organization, week or month in its reporting time zone, and rollup: what the
-- period says, and what its days add up to.
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_touched_organization_days') }}

{%- set after = ['organization_analytics', 'user_analytics'] %}

{{
    config(
        incremental_strategy='replace_periods',
        full_refresh=(true if var('as_of', '') or var('sweep') else none),
        pre_hook=[
            '{{ open_intake() }}',
            '{{ collect_touched_days(after=' ~ after ~ ') }}',
            '{{ collect_touched_periods() }}',
        ],
        post_hook='{{ close_intake(after=' ~ after ~ ') }}',
        indexes=[{'columns': ['is_equal']}]
    )
}}

{%- set key = ['organization_id', 'aggregation_period', 'metric_date'] %}
{%- set tasks = measure_names().keys() | list %}
{%- set organization = dict(
    measure_names(),
    negative_savings_tasks='bigint',
    unknown_overhead_tasks='bigint',
    input_tokens='numeric(28, 0)',
    output_tokens='numeric(28, 0)',
    total_net_savings_usd='numeric(28, 12)',
) %}
{%- set totals = {'count': 'total_tasks', 'tokens': 'total_tokens', 'usd': 'total_spend_usd'} %}
{%- set comparisons = {
    'organization_days_to_periods': dict(
        totals,
        upstream='organization_days', downstream='organization_periods',
        measures=organization.keys() | list,
    ),
    'user_days_to_periods': dict(
        totals, upstream='user_days', downstream='user_periods', measures=tasks,
    ),
} %}

with organization_analytics as (

    select * from {{ ref('organization_analytics') }}

),

user_analytics as (

    select * from {{ ref('user_analytics') }}

),

{% for rollup, types in {
    'organization': organization,
    'user': measure_names(),
}.items() %}
{{ rollup }}_days as (

    select
        days.organization_id,
        periods.aggregation_period,
        periods.first_day as metric_date,
        {{ sums('days', types) }}
    from {{ rollup }}_analytics as days
    {{ periods_of_days('days', ['weekly', 'monthly']) }}
    {{ of_touched_periods('days') }}
    where days.aggregation_period = 'daily'
    group by days.organization_id, periods.aggregation_period, periods.first_day

),

{{ rollup }}_periods as (

    select
        longer.organization_id,
        longer.aggregation_period,
        longer.metric_date,
        {{ sums('longer', types) }}
    from {{ rollup }}_analytics as longer
    {% if is_incremental() %}
    inner join touched_periods
        on
            longer.organization_id = touched_periods.organization_id
            and longer.aggregation_period = touched_periods.aggregation_period
            and longer.metric_date = touched_periods.metric_date
    {% endif %}
    where longer.aggregation_period <> 'daily'
    group by longer.organization_id, longer.aggregation_period, longer.metric_date

),

{% endfor %}
final as (

    {{ compare_sides(comparisons, key) }}

)

select
    comparison,
    organization_id,
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
