-- One row per raw table: what brought it rows, how often, and how many. The ledgers of loads, sealings
-- and builds count them, so the tables themselves, which grow without end, are not read.

select
    landed.table_name,
    cast(count(loads.load_id) as text) as data_version,
    count(loads.load_id) as load_count,
    cast(sum(landed.row_count) as bigint) as row_count,
    cast(sum(landed.rejected_count) as bigint) as rejected_count,
    max(loads.load_id) as last_load_id,
    max(loads.landed_at) as last_written_at
from raw.loads as loads
cross join
    lateral (
        values
        ('loads', 1, loads.lines_rejected),
        ('task_executions', loads.task_execution_count, null),
        ('routing_decisions', loads.routing_decision_count, null),
        ('organizations', loads.organization_count, null),
        ('users', loads.user_count, null),
        ('adjustments', loads.adjustment_count, null),
        ('agent_events', loads.agent_event_count, null),
        ('provider_events', loads.provider_event_count, null),
        ('billing_events', loads.billing_event_count, null),
        ('customer_events', loads.customer_event_count, null),
        ('support_events', loads.support_event_count, null),
        ('web_events', loads.web_event_count, null),
        ('shadow_evaluations', loads.shadow_evaluation_count, null),
        -- What these add up, not their own rows.
        ('landed_totals', loads.lines_accepted, null),
        ('event_totals', loads.lines_accepted, null)
    ) as landed (table_name, row_count, rejected_count)
where landed.row_count > 0
group by landed.table_name
union all
select
    sealed.table_name,
    cast(count(seals.seal_id) as text) as data_version,
    null as load_count,
    cast(sum(sealed.row_count) as bigint) as row_count,
    null as rejected_count,
    null as last_load_id,
    max(seals.sealed_at) as last_written_at
from ledger.seals as seals
cross join
    lateral (
        values
        ('seals', 1),
        ('sealed_organizations', seals.organization_count),
        ('sealed_executions', seals.execution_count)
    ) as sealed (table_name, row_count)
group by sealed.table_name
union all
select
    'finished_builds' as table_name,
    cast(count(builds.invocation_id) as text) as data_version,
    null as load_count,
    count(builds.invocation_id) as row_count,
    null as rejected_count,
    null as last_load_id,
    max(builds.ended_at) as last_written_at
from ledger.finished_builds as builds
union all
-- Every check writes a row for each rule; its newest moment is found by the index.
select
    'check_results' as table_name,
    cast(max(results.checked_at) as text) as data_version,
    null as load_count,
    null as row_count,
    null as rejected_count,
    null as last_load_id,
    max(results.checked_at) as last_written_at
from quality.check_results as results
