-- Grain: one row per use of a policy, organization that a policy names (`*` for all others) and
-- stretch of time. The policy for the organization itself wins over the one for all, and of equal
-- ones the one recorded last: among all policies for the headline, and among the fixed ones for the
-- comparison of policies, where a fixed baseline is shown beside a headline of another kind.
-- depends_on: {{ ref('baseline_policies_history') }}, which finds edited rows before they count

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
    where {{ known_as_of('recorded_at') }}

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

uses as (

    select
        'headline' as policy_use,
        policy_rows.*
    from policy_rows
    union all
    select
        'fixed' as policy_use,
        policy_rows.*
    from policy_rows
    where policy_rows.policy = 'fixed'

),

scopes as (

    select organization_scope from policy_rows
    union
    select '*' as organization_scope

),

candidates as (

    select
        scopes.organization_scope as usage_organization_scope,
        uses.*
    from scopes
    inner join uses on uses.organization_scope in ('*', scopes.organization_scope)

),

moments as (

    select
        policy_use,
        usage_organization_scope,
        effective_from as valid_from
    from candidates
    union
    select
        policy_use,
        usage_organization_scope,
        effective_until as valid_from
    from candidates

),

stretches as (

    select
        policy_use,
        usage_organization_scope,
        valid_from,
        lead(valid_from) over (
            partition by policy_use, usage_organization_scope
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
            partition by
                stretches.policy_use, stretches.usage_organization_scope, stretches.valid_from
            order by
                candidates.organization_scope = '*' asc,
                candidates.recorded_at desc,
                candidates.policy_id asc
        ) as precedence
    from stretches
    inner join candidates
        on
            stretches.policy_use = candidates.policy_use
            and stretches.usage_organization_scope = candidates.usage_organization_scope
            and stretches.valid_from >= candidates.effective_from
            and stretches.valid_from < candidates.effective_until

),

final as (

    select
        {{ surrogate_key([
            'policy_use', 'policy_id', 'usage_organization_scope', utc_text('valid_from')
        ]) }} as policy_window_id,
        policy_use,
        policy_id,
        policy,
        usage_organization_scope as organization_scope,
        case when usage_organization_scope <> '*' then cast(usage_organization_scope as uuid) end
            as organization_id,
        baseline_provider,
        baseline_model,
        valid_from,
        valid_until
    from ranked
    where precedence = 1

)

select * from final
