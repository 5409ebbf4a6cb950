-- Grain: one row per load, kind of event, organization and day in UTC that is open: what landed,
-- what schema raw holds of it, and what staging shows. Loads that the facts process once more are
-- compared once more.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_processed_loads') }}
-- depends_on: {{ ref('int_sealed_days') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='load_id',
        full_refresh=(true if var('as_of', '') or var('full_check') else none),
        pre_hook='{{ open_changes() }}',
        post_hook='{{ close_changes() }}',
        indexes=[
            {'columns': ['organization_id', 'event_date']},
            {'columns': ['is_equal']},
        ]
    )
}}

with landed_totals as (

    select * from {{ ref('stg_warehouse__landed_totals') }}

),

event_totals as (

    select * from {{ ref('stg_warehouse__event_totals') }}

),

landed as (

    select *
    from landed_totals
    where
        {{ landed_in(newly_processed_loads()) }}
        and {{ is_open_at('landed_totals', utc_midnight('landed_totals.event_date')) }}

),

stored as (

    select *
    from event_totals
    where
        {{ landed_in(newly_processed_loads()) }}
        and {{ is_open_at('event_totals', utc_midnight('event_totals.event_date')) }}

),

staged as (

    {{ staged_totals(
        'task_execution', ref('stg_platform__task_executions'), 'execution_id', 'start_time',
        {
            'input_tokens': 'input_tokens',
            'cached_input_tokens': 'cached_input_tokens',
            'cache_write_tokens': 'cache_write_tokens',
            'output_tokens': 'output_tokens',
            'reasoning_tokens': 'reasoning_tokens',
            'unsplit_tokens': 'tokens_used',
            'compute_units': 'compute_units',
            'requests': 'request_count',
            'durations_ms': 'time_to_first_token_ms',
            'scores': 'quality_score',
            'part_tokens': sum_of_token_parts(),
            'other_units': json_object_sum('other_usage'),
        },
        ['reported_cost_usd'],
    ) }}
    union all
    {{ staged_totals(
        'routing_decision', ref('stg_platform__routing_decisions'), 'routing_decision_id',
        'decision_timestamp',
        {
            'durations_ms': 'predicted_duration_ms',
            'scores': 'coalesce(confidence_score, 0) + coalesce(predicted_quality_score, 0)',
        },
        ['predicted_cost_usd', 'routing_overhead_cost_usd'],
    ) }}
    union all
    {{ staged_totals(
        'organization', ref('stg_platform__organizations'), 'organization_id', 'updated_at',
        {}, ['monthly_budget_usd'],
    ) }}
    union all
    {{ staged_totals('user', ref('stg_platform__users'), 'user_id', 'updated_at', {}, []) }}
    union all
    {{ staged_totals(
        'adjustment', ref('stg_platform__adjustments'), 'adjustment_id', 'effective_at',
        {'other_units': 'amount'}, [],
    ) }}
    union all
    {{ staged_totals(
        'shadow_evaluation', ref('stg_platform__shadow_evaluations'), 'shadow_evaluation_id',
        'evaluated_at',
        {
            'scores': 'confidence',
            'other_units':
                'coalesce(reported_real_cost_usd, 0) + coalesce(reported_shadow_cost_usd, 0)'
                ~ ' + coalesce(reported_judge_cost_usd, 0)'
                ~ ' + coalesce(reported_real_classifier_cost_usd, 0)'
                ~ ' + coalesce(reported_shadow_classifier_cost_usd, 0)',
        },
        [],
    ) }}
    {%- for family, measures in {
        'agent': {
            'durations_ms': 'duration_ms',
            'other_units': 'coalesce(tokens_used, 0) + coalesce(reported_cost_usd, 0)',
        },
        'provider': {
            'durations_ms': 'coalesce(duration_ms, 0) + coalesce(retry_after_ms, 0)',
            'other_units': 'reported_cost_usd',
        },
        'billing': {
            'other_units':
                'coalesce(amount, 0) + coalesce(seats, 0) + coalesce(quantity, 0)'
                ~ ' + coalesce(limit_quantity, 0)',
        },
        'customer': {},
        'support': {},
        'web': {'other_units': 'scroll_depth_percent'},
    }.items() %}
    union all
    {{ staged_totals(
        family ~ '_event', ref('stg_platform__' ~ family ~ '_events'), family ~ '_event_id',
        'occurred_at', measures, [],
    ) }}
    {%- endfor %}

),

compared as (

    select
        coalesce(landed._load_id, stored._load_id, staged._load_id) as load_id,
        coalesce(landed.event_kind, stored.event_kind, staged.event_kind) as event_kind,
        coalesce(landed.organization_id, stored.organization_id, staged.organization_id)
            as organization_id,
        coalesce(landed.event_date, stored.event_date, staged.event_date) as event_date,
        landed.events as landed_events,
        stored.events as raw_events,
        staged.events as staged_events,
        staged.entities as staged_entities,
        landed.input_tokens + landed.output_tokens + landed.unsplit_tokens as landed_tokens,
        stored.input_tokens + stored.output_tokens + stored.unsplit_tokens as raw_tokens,
        staged.input_tokens + staged.output_tokens + staged.unsplit_tokens as staged_tokens,
        landed.amount_usd as landed_amount_usd,
        stored.amount_usd as raw_amount_usd,
        staged.amount_usd as staged_amount_usd,
        {{ differing_measures('landed', 'stored', event_measures()) }}
            as landed_to_raw_differences,
        {{ differing_measures('stored', 'staged', event_measures()) }}
            as raw_to_staging_differences
    from landed
    full outer join stored
        on
            {{ same_events('landed', 'stored') }}
    full outer join staged
        on
            {{ same_events('stored', 'staged') }}

),

final as (

    select
        load_id,
        event_kind,
        organization_id,
        event_date,
        landed_events,
        raw_events,
        staged_events,
        staged_entities,
        cast(landed_tokens as numeric(28, 0)) as landed_tokens,
        cast(raw_tokens as numeric(28, 0)) as raw_tokens,
        cast(staged_tokens as numeric(28, 0)) as staged_tokens,
        cast(landed_amount_usd as numeric(28, 12)) as landed_amount_usd,
        cast(raw_amount_usd as numeric(28, 12)) as raw_amount_usd,
        cast(staged_amount_usd as numeric(28, 12)) as staged_amount_usd,
        landed_to_raw_differences,
        raw_to_staging_differences,
        coalesce(landed_to_raw_differences, raw_to_staging_differences) is null as is_equal
    from compared

)

select * from final
