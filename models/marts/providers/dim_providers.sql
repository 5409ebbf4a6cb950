-- Grain: one row per provider that the price book knows or that an execution named.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}

{{
    config(
        incremental_strategy='replace_changed',
        unique_key='provider',
        pre_hook='{{ open_changes() }}',
        post_hook='{{ close_changes() }}',
        meta={'sealed': 'members'}
    )
}}

with price_windows as (

    select * from {{ ref('int_price_windows') }}

),

-- A price that a correction interrupts begins once, not again after it.
price_rows as (

    select
        provider,
        model_scope,
        price_id,
        min(valid_from) as begins_at
    from price_windows
    group by provider, model_scope, price_id

),

priced as (

    select
        provider,
        count(distinct model_scope) filter (where model_scope <> '*') as priced_models,
        min(begins_at) as first_price_from,
        max(begins_at) as last_price_from
    from price_rows
    group by provider

),

seen_in_executions as (

    select
        provider,
        start_time as first_seen_at,
        start_time as last_seen_at
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in(newly_processed_loads()) }}
    {% if is_incremental() %}
    union all
    select
        provider,
        first_seen_at,
        last_seen_at
    from {{ this }}
    where first_seen_at is not null
    {% endif %}

),

seen as (

    select
        provider,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from seen_in_executions
    group by provider

),

final as (

    select
        coalesce(priced.provider, seen.provider) as provider,
        priced.provider is not null as is_priced,
        coalesce(priced.priced_models, 0) as priced_models,
        priced.first_price_from,
        priced.last_price_from,
        seen.first_seen_at,
        seen.last_seen_at
    from priced
    full outer join seen on priced.provider = seen.provider

)

select * from final
