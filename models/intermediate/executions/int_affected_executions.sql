-- Grain: one row per execution and reason for which the facts do not show it as it is: during a
-- build of the facts those of its batch, between builds the ones that have arrived since and recent
-- ones that a new version of their organization restates.

with in_batch as (

    select * from {{ ref('int_execution_batch') }}

),

arrived as (

    select * from {{ ref('int_arrived_executions') }}

),

organization_changes as (

    select * from {{ ref('int_organization_changes') }}

),

executions as (

    select * from {{ ref('stg_platform__task_executions') }}

),

own_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'headline' and organization_id is not null

),

common_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'headline' and organization_id is null

),

-- No further back than anybody looks between builds: the raw executions of an organization are
-- found only by reading all of that time.
restated as (

    select executions.execution_id
    from executions
    inner join organization_changes
        on
            executions.organization_id = organization_changes.organization_id
            and executions.start_time >= organization_changes.valid_from
            and executions.start_time < organization_changes.valid_until
    {{ policy_joins('executions') }}
    where
        executions.start_time >= {{ warehouse_now() }} - interval '62 days'
        and (
            organization_changes.has_other_timezone
            or coalesce(own_policies.policy, common_policies.policy) = 'organization_default'
        )

),

-- Between builds there is little, and the planner takes an array for short: it looks little up by
-- key instead of searching everything that has ever landed.
arrived_ids as (

    select unnest(array(select arrived.execution_id from arrived)) as execution_id

),

restated_ids as (

    select unnest(array(select restated.execution_id from restated)) as execution_id
    where exists (select 1 from organization_changes)

),

final as (

    select
        execution_id,
        reason
    from in_batch
    union all
    select
        execution_id,
        'arrival' as reason
    from arrived_ids
    where not exists (select 1 from {{ ref('int_execution_batch') }})
    union all
    select
        execution_id,
        'organization' as reason
    from restated_ids
    where not exists (select 1 from {{ ref('int_execution_batch') }})

)

select * from final
