-- Grain: one row per row of the price book, policy, name of a model or moment of a model's first
-- price, and stretch of time, model and organization for which it may decide a price or a baseline.
-- The facts keep what they were priced with (`int_processed_prices`); where the two differ,
-- `int_price_changes` tells which executions that concerns.

with prices as (

    select distinct
        'price' as input_kind,
        price_id as source_id,
        cast(nullif(organization_scope, '*') as uuid) as organization_id,
        provider,
        nullif(model_scope, '*') as model,
        valid_from,
        valid_until
    from {{ ref('int_prices') }}

),

usage_prices as (

    select
        'usage price' as input_kind,
        usage_price_id as source_id,
        organization_id,
        provider,
        model,
        effective_from as valid_from,
        effective_until as valid_until
    from {{ ref('int_usage_prices') }}

),

price_factors as (

    select
        'price factor' as input_kind,
        price_factor_id as source_id,
        organization_id,
        provider,
        model,
        effective_from as valid_from,
        effective_until as valid_until
    from {{ ref('int_price_factors') }}

),

-- What came before a model's first price has another status than what was never priced.
first_prices as (

    select
        'first price' as input_kind,
        provider || '|' || scope || '|' || {{ utc_text('first_price_from') }} as source_id,
        cast(null as uuid) as organization_id,
        provider,
        scope as model,
        cast('-infinity' as timestamptz) as valid_from,
        first_price_from as valid_until
    from {{ ref('int_price_scopes') }}
    where attribute = 'model' and scope <> '*'

),

model_names as (

    select
        'model name' as input_kind,
        provider || '|' || name || '|' || price_model || '|' || model_scope as source_id,
        cast(null as uuid) as organization_id,
        provider,
        name as model,
        cast('-infinity' as timestamptz) as valid_from,
        cast('infinity' as timestamptz) as valid_until
    from {{ ref('int_price_names') }}

),

-- A policy concerns executions whatever they were run with.
policies as (

    select distinct
        'policy' as input_kind,
        policy_id as source_id,
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        valid_from,
        valid_until
    from {{ ref('int_baseline_policies') }}

),

price_inputs as (

    select * from prices
    union all
    select * from usage_prices
    union all
    select * from price_factors
    union all
    select * from first_prices
    union all
    select * from model_names
    union all
    select * from policies

),

final as (

    select
        {{ surrogate_key([
            'input_kind', 'source_id', 'organization_id', 'provider', 'model',
            utc_text('valid_from'), utc_text('valid_until'),
        ]) }} as price_input_id,
        input_kind,
        source_id,
        organization_id,
        provider,
        model,
        valid_from,
        valid_until
    from price_inputs

)

select * from final
