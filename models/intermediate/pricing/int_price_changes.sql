-- Grain: one row per organization, model and stretch of time of which executions may be priced
-- otherwise than they are: something that decides their price or a baseline came or went since the
-- facts last looked. Without an organization it concerns all of them, without a model all models of
-- the provider, and without a provider whatever was run. Empty when nothing changed.

with price_inputs as (

    select * from {{ ref('int_price_inputs') }}

),

processed as (

    select * from {{ ref('int_processed_prices') }}

),

price_names as (

    select * from {{ ref('int_price_names') }}

),

organization_versions as (

    select * from {{ ref('int_organization_versions') }}

),

fixed_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'fixed'

),

organization_changes as (

    select * from {{ ref('int_organization_changes') }}
    where has_other_baseline

),

-- By the row that decides, and not by its stretch of time: where another row made that shorter or
-- longer, the other one came or went.
changed as (

    select
        organization_id,
        provider,
        model,
        valid_from,
        valid_until
    from price_inputs
    where source_id not in (select processed.source_id from processed)
    union
    select
        organization_id,
        provider,
        model,
        valid_from,
        valid_until
    from processed
    where source_id not in (select price_inputs.source_id from price_inputs)

),

-- Executions name a model as the book does, or otherwise.
named as (

    select * from changed
    union
    select
        changed.organization_id,
        changed.provider,
        price_names.name as model,
        changed.valid_from,
        changed.valid_until
    from changed
    inner join price_names
        on changed.provider = price_names.provider and changed.model = price_names.price_model

),

-- What the executions of an organization are compared with, whichever policy is in force.
baselines as (

    select
        organization_id,
        baseline_provider,
        baseline_model,
        valid_from,
        valid_until
    from organization_versions
    union all
    select
        organization_id,
        baseline_provider,
        baseline_model,
        valid_from,
        valid_until
    from fixed_policies

),

compared as (

    select
        coalesce(baselines.organization_id, named.organization_id) as organization_id,
        greatest(baselines.valid_from, named.valid_from) as valid_from,
        least(baselines.valid_until, named.valid_until) as valid_until
    from baselines
    inner join named
        on
            baselines.baseline_provider = named.provider
            and (baselines.baseline_model = named.model or named.model is null)
            and baselines.valid_from < named.valid_until
            and baselines.valid_until > named.valid_from
            and (
                baselines.organization_id = named.organization_id
                or baselines.organization_id is null
                or named.organization_id is null
            )
    union
    select
        organization_id,
        valid_from,
        valid_until
    from organization_changes

),

final as (

    select
        organization_id,
        provider,
        model,
        valid_from,
        valid_until
    from named
    union
    select
        organization_id,
        cast(null as text) as provider,
        cast(null as text) as model,
        valid_from,
        valid_until
    from compared

)

select * from final
