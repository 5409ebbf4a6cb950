-- Grain: one row per organization that a policy names (`*` for all others) and stretch of time. The
-- policy for the organization itself wins over the one for all, and of equal ones the one recorded
-- last.

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        full_refresh=false,
        unique_key='policy_window_id',
        post_hook='analyze {{ this }}'
    )
}}

with baseline_policies as (

    select * from {{ ref('baseline_policies') }}

),

policy_rows as (

    select
        {{ surrogate_key(baseline_policy_columns()) }} as policy_id,
        policy,
        coalesce(cast(organization_id as text), '*') as organization_scope,
        baseline_provider,
        baseline_model,
        effective_from,
        coalesce(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at
    from baseline_policies

),

scopes as (

    select organization_scope from policy_rows
    union
    select '*' as organization_scope

),

candidates as (

    select
        scopes.organization_scope as usage_organization_scope,
        policy_rows.*
    from scopes
    inner join policy_rows on policy_rows.organization_scope in ('*', scopes.organization_scope)

),

moments as (

    select
        usage_organization_scope,
        effective_from as valid_from
    from candidates
    union
    select
        usage_organization_scope,
        effective_until as valid_from
    from candidates

),

stretches as (

    select
        usage_organization_scope,
        valid_from,
        lead(valid_from) over (
            partition by usage_organization_scope
            order by valid_from
        ) as valid_until
    from moments

),

ranked as (

    select
        stretches.valid_from,
        stretches.valid_until,
        candidates.*,
        row_number() over (
            partition by stretches.usage_organization_scope, stretches.valid_from
            order by
                candidates.organization_scope = '*' asc,
                candidates.recorded_at desc,
                candidates.policy_id asc
        ) as precedence
    from stretches
    inner join candidates
        on
            stretches.usage_organization_scope = candidates.usage_organization_scope
            and stretches.valid_from >= candidates.effective_from
            and stretches.valid_from < candidates.effective_until

),

final as (

    select
        {{ surrogate_key(['policy_id', 'usage_organization_scope', utc_text('valid_from')]) }}
            as policy_window_id,
        policy_id,
        policy,
        usage_organization_scope as organization_scope,
        baseline_provider,
        baseline_model,
        valid_from,
        valid_until
    from ranked
    where precedence = 1

)

select * from final
