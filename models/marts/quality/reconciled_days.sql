-- Grain: one row per organization, open day in its reporting time zone and pair of layers. A build
-- compares what changed: executions with their landed versions and their parts, the sums of a day
-- with those of its last comparison and what the log has added since, and the rollups of a day with
-- each other, where the organization's stands for the facts. A full check compares everything with
-- the facts themselves.
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_execution_changes') }}
-- depends_on: {{ ref('int_processed_loads') }}
-- depends_on: {{ ref('int_sealed_days') }}

{%- set after = [
    'int_model_usage_days', 'int_organization_days', 'int_organization_hours', 'int_policy_days',
    'int_user_days',
] %}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key=['comparison', 'organization_id', 'metric_date'],
        pre_hook=[
            '{{ open_changes() }}',
            "{{ collect_compared_days('organization', 'facts_to_organization_days', " ~ after ~ ") }}",
            '{{ collect_compared_executions(' ~ after ~ ') }}',
        ],
        post_hook='{{ close_changes(after=' ~ after ~ ') }}',
        meta={'sealed': 'comparisons'},
        indexes=[{'columns': ['is_equal']}]
    )
}}

{%- set of_changes = compares_changes() %}
{%- set upstream = 'organization_days' if of_changes else 'fact_days' %}
{%- set tasks = measure_names().keys() | list %}
{#- What sources report of an execution, by the name of its sum. -#}
{%- set usage = {
    'input_tokens': 'input_tokens', 'cached_input_tokens': 'cached_input_tokens',
    'cache_write_tokens': 'cache_write_tokens', 'output_tokens': 'output_tokens',
    'reasoning_tokens': 'reasoning_tokens', 'unsplit_tokens': 'tokens_used',
    'part_tokens': 'part_tokens', 'compute_units': 'compute_units', 'requests': 'request_count',
    'other_units': 'other_units', 'total_quality_score': 'quality_score',
    'first_token_ms': 'time_to_first_token_ms',
} %}
{%- set landed = ['total_tasks', 'successful_tasks', 'failed_tasks', 'total_tokens']
    + usage.keys() | list + ['reported_cost_usd'] %}
{#- What only the facts tell beside the rollup. -#}
{%- set of_scores = [] if of_changes else ['scored_tasks', 'total_quality_score_of_completed'] %}
{%- set of_maps = [] if of_changes else ['bucket_total', 'bucket_total_of_hours'] %}
{%- set totals = {'count': 'total_tasks', 'tokens': 'total_tokens', 'usd': 'total_spend_usd'} %}
{%- set comparisons = {
    'staging_to_facts': {
        'upstream': 'staged_days', 'downstream': 'fact_days', 'measures': landed,
        'count': 'total_tasks', 'tokens': 'total_tokens', 'usd': 'reported_cost_usd',
    },
    'facts_to_cost_lines': {
        'upstream': 'fact_days', 'downstream': 'arithmetic_days',
        'measures': [
            'priced_tasks', 'total_tokens', 'total_spend_usd', 'total_savings_usd',
            'total_net_savings_usd',
        ],
        'count': 'priced_tasks', 'tokens': 'total_tokens', 'usd': 'total_spend_usd',
    },
    'facts_to_organization_days': dict(
        totals, upstream='expected_days', downstream='organization_days',
        measures=['total_tasks', 'total_tokens', 'total_spend_usd'] if of_changes else tasks + [
            'input_tokens', 'output_tokens', 'negative_savings_tasks', 'unknown_overhead_tasks',
            'total_net_savings_usd',
        ]
    ),
    'facts_to_hours': dict(totals, upstream=upstream, downstream='hours', measures=tasks),
    'facts_to_user_days': dict(totals, upstream=upstream, downstream='user_days', measures=tasks),
    'facts_to_model_usage': dict(
        totals, upstream=upstream, downstream='usage_days', measures=tasks + of_scores
    ),
    'facts_to_policies': {
        'upstream': 'completed_days', 'downstream': 'policy_days',
        'measures': policy_measures(),
        'count': 'successful_tasks', 'usd': 'total_savings_usd',
    },
    'facts_to_durations': {
        'upstream': 'timed_days', 'downstream': 'duration_days',
        'measures': ['timed_tasks'] + of_maps, 'count': 'timed_tasks',
    },
} %}

with executions as (

    select
        {% for column in change_columns() %}
        executions.{{ column }},
        {% endfor %}
        1 as sign,
        executions.cached_input_tokens,
        executions.cache_write_tokens,
        executions.reasoning_tokens,
        executions.tokens_used,
        executions.compute_units,
        executions.time_to_first_token_ms,
        {{ sum_of_token_parts() }} as part_tokens,
        {{ json_object_sum('executions.other_usage') }} as other_units,
        executions.other_costs,
        executions.reported_cost_usd,
        executions.price_id,
        {{ sum_of_cost_parts('executions') }} as cost_of_parts_usd
    from {{ ref('fct_task_executions') }} as executions
    {% if of_changes %}
    inner join compared_executions on executions.execution_id = compared_executions.execution_id
    {% endif %}
    where {{ is_open('executions', 'executions.metric_date') }}

),

{{ latest_landed_executions('compared_executions' if of_changes) }},

staged_days as (

    select
        organization_id,
        metric_date,
        count(*) as total_tasks,
        count(*) filter (where status = 'completed') as successful_tasks,
        count(*) filter (where status = 'failed') as failed_tasks,
        cast(coalesce(sum(total_tokens), 0) as numeric(28, 0)) as total_tokens,
        {% for name, column in usage.items() %}
        coalesce(sum({{ column }}), 0) as {{ name }},
        {% endfor %}
        {{ sum_usd('reported_cost_usd') }} as reported_cost_usd
    from latest_versions
    where {{ is_open('latest_versions', 'latest_versions.metric_date') }}
    group by organization_id, metric_date

),

fact_days as (

    select
        executions.organization_id,
        executions.metric_date,
        {{ task_measures() }},
        count(*) filter (where executions.cost_usd is not null) as priced_tasks,
        count(executions.cost_usd) filter (where executions.status = 'completed') as costed_tasks,
        count(*) filter (where executions.savings_usd < 0) as negative_savings_tasks,
        count(*) filter (
            where executions.savings_usd is not null and executions.net_savings_usd is null
        ) as unknown_overhead_tasks,
        {{ sum_usd('executions.net_savings_usd') }} as total_net_savings_usd,
        {% for name, column in usage.items() %}
        coalesce(sum(executions.{{ column }}), 0) as {{ name }},
        {% endfor %}
        count(executions.quality_score) filter (where executions.status = 'completed')
            as scored_tasks,
        coalesce(sum(executions.quality_score) filter (where executions.status = 'completed'), 0)
            as total_quality_score_of_completed,
        {{ sum_usd('executions.reported_cost_usd') }} as reported_cost_usd,
        sum({{ duration_bucket('executions.duration_ms') }}) as bucket_total,
        sum({{ duration_bucket('executions.duration_ms') }}) as bucket_total_of_hours,
        {{ policy_sums_of_facts() }},
        -- The same once more from its parts: the lines of a cost, the terms of a saving.
        count(*) filter (
            where
            executions.cost_usd is not null
            and (
                executions.price_id is not null
                or executions.other_costs is not null
                or executions.pricing_status = 'gateway_cache_hit'
            )
        ) as tasks_with_price,
        cast(
            coalesce(
                sum(
                    coalesce(
                        executions.tokens_used,
                        executions.input_tokens + executions.output_tokens,
                        executions.input_tokens,
                        executions.output_tokens
                    )
                ), 0
            ) as numeric(28, 0)
        ) as tokens_of_parts,
        {{ sum_usd('executions.cost_of_parts_usd') }} as spend_of_parts_usd,
        {{ sum_usd(
            'executions.baseline_cost_usd - executions.cost_usd',
            "executions.savings_status = 'compared'"
        ) }} as savings_of_terms_usd,
        {{ sum_usd(
            'executions.baseline_cost_usd - executions.cost_usd'
            ~ ' - executions.routing_overhead_cost_usd',
            "executions.savings_status = 'compared'"
        ) }} as net_savings_of_terms_usd
    from executions
    group by executions.organization_id, executions.metric_date

),

arithmetic_days as (

    select
        organization_id,
        metric_date,
        tasks_with_price as priced_tasks,
        tokens_of_parts as total_tokens,
        spend_of_parts_usd as total_spend_usd,
        savings_of_terms_usd as total_savings_usd,
        net_savings_of_terms_usd as total_net_savings_usd
    from fact_days

),

organization_days as (

    select *
    from {{ ref('int_organization_days') }} as days
    where {{ in_compared_days('days') }}

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

completed_days as (

    select
        *,
        5 as policies,
        5 * successful_tasks as tasks_of_policies,
        {{ 'null' if of_changes else '5 * costed_tasks' }} as priced_tasks_of_policies
    from {{ upstream }}
    where successful_tasks > 0

),

timed_days as (

    select *
    from {{ upstream }}
    where timed_tasks > 0

),

{% for name, rollup in {
    'hours': ref('int_organization_hours'), 'user_days': ref('int_user_days'),
    'usage_days': ref('int_model_usage_days'),
}.items() %}
{{ name }} as (

    select
        days.organization_id,
        days.metric_date,
        {% if name == 'usage_days' %}
        sum(days.scored_tasks) as scored_tasks,
        sum(days.total_quality_score) as total_quality_score_of_completed,
        {% endif %}
        {{ sums('days', measure_names()) }}
    from {{ rollup }} as days
    where {{ in_compared_days('days') }}
    group by days.organization_id, days.metric_date

),

{% endfor %}
policy_days as (

    select
        policies.organization_id,
        policies.metric_date,
        {{ policy_sums() }}
    from {{ ref('int_policy_days') }} as policies
    where {{ in_compared_days('policies') }}
    group by policies.organization_id, policies.metric_date

),

{{ compared_durations('organization') }},

final as (

    {{ compare_sides(comparisons, ['organization_id', 'metric_date']) }}

)

select
    comparison,
    organization_id,
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
