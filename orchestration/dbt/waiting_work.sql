-- One row per kind of work that waits for a scheduled build; none when nothing waits.

select 'a load has landed' as reason
where exists (select 1 from intermediate.int_arrived_loads)
union all
select 'an execution timed out' as reason
where
    exists (
        select 1
        from marts.fct_task_executions as executions
        where
            executions.status in ('pending', 'running')
            and executions.end_time is null
            and not executions.is_timed_out
            and executions.start_time
            <= clock_timestamp() - interval '1 minute' * %(timeout_minutes)s
    )
union all
select 'models are behind the facts' as reason
where
    exists (
        select 1
        from unnest(cast(%(followers)s as text [])) as followers (model_name)
        inner join intermediate.int_bookmarks as facts
            on facts.model_name = 'fct_task_executions'
        left join intermediate.int_bookmarks as bookmarks
            on followers.model_name = bookmarks.model_name
        where bookmarks.build_id is distinct from facts.build_id
    )
union all
select 'a relation is missing' as reason
where
    exists (
        select 1
        from unnest(cast(%(relations)s as text [])) as relations (relation_name)
        where to_regclass(relations.relation_name) is null
    )
union all
-- Also one that was killed: only a build that ends takes its row away.
select 'a build has not ended' as reason
where exists (select 1 from ledger.running_builds where target_schema = 'public')
union all
select 'the last build failed' as reason
from (
    select failed_count
    from ledger.finished_builds
    where target_schema = 'public' and command = 'build'
    order by ended_at desc
    limit 1
) as last_build
where last_build.failed_count > 0
union all
select 'the project changed' as reason
where
    not exists (
        select 1
        from ledger.built_projects
        where target_schema = 'public' and code_checksum = %(code)s
    )
union all
select 'a seed changed' as reason
where
    not exists (
        select 1
        from ledger.built_projects
        where target_schema = 'public' and seeds_checksum = %(seeds)s
    )
union all
-- Alerts and checks depend on the clock as well.
select 'the last build was long ago' as reason
where
    not exists (
        select 1
        from ledger.built_projects
        where
            target_schema = 'public'
            and built_at > clock_timestamp() - cast(%(longest_rest)s as interval)
    )
