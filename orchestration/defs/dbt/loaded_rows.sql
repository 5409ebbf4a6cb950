-- One row per raw table: the loads, or sealings, that brought it rows, and how many. The ledgers of
-- loads and sealings count them, so the tables themselves, which grow without end, are not read.

select
    landed.table_name,
    count(loads.load_id) as load_count,
    cast(sum(landed.row_count) as bigint) as row_count,
    max(loads.load_id) as last_load_id,
    max(loads.landed_at) as last_landed_at
from raw.loads as loads
cross join
    lateral (
        values
        ('loads', 1),
        ('task_executions', loads.task_execution_count),
        ('routing_decisions', loads.routing_decision_count),
        ('organizations', loads.organization_count),
        ('users', loads.user_count),
        -- What these add up, not their own rows.
        ('landed_totals', loads.lines_accepted),
        ('event_totals', loads.lines_accepted)
    ) as landed (table_name, row_count)
where landed.row_count > 0
group by landed.table_name
union all
select
    sealed.table_name,
    count(seals.seal_id) as load_count,
    cast(sum(sealed.row_count) as bigint) as row_count,
    cast(null as bigint) as last_load_id,
    max(seals.sealed_at) as last_landed_at
from raw.seals as seals
cross join
    lateral (
        values
        ('seals', 1),
        ('sealed_organizations', seals.organization_count),
        ('sealed_executions', seals.execution_count)
    ) as sealed (table_name, row_count)
group by sealed.table_name
