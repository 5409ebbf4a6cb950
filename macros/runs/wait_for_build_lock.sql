{#- Returns when it is this run's turn; stops it when that takes longer than `build_wait_minutes`.
    A run that was killed leaves its row behind: it is dead when nobody has been connected as dbt for
    1.5 seconds; one look is not enough, because dbt has no connection between two nodes. Those who
    wait go by another name, so that they do not take each other for the build. One statement waits
    for a second or two, so that Ctrl-C comes through. -#}
{% macro wait_for_build_lock(build) -%}
    {%- set limit = modules.datetime.timedelta(minutes=var('build_wait_minutes') | float) -%}
    {%- set give_up_at = modules.datetime.datetime.now() + limit -%}
    {%- do log(
        'Waiting for another run of dbt on the same schemas, ' ~ build[0] ~ ', since ' ~ build[1]
        ~ '. If it was killed, this one goes on in two seconds.', info=True
    ) -%}
    {%- do run_query("set application_name = 'dbt waiting'") -%}
    {%- for look in range(100000) -%}
        {%- call statement('build_lock', fetch_result=True) -%}
            do $wait$
            declare
                looked_at constant timestamptz := clock_timestamp();
                alive_at timestamptz;
                holder text;
                next_holder text;
            begin
                loop
                    next_holder := (
                        select invocation_id from ledger.running_builds
                        where target_schema = '{{ target.schema }}'
                    );
                    if alive_at is null or next_holder <> holder then
                        alive_at := clock_timestamp();
                    end if;
                    holder := next_holder;
                    if holder is null or clock_timestamp() - alive_at > interval '1.5 seconds' then
                        delete from ledger.running_builds
                        where target_schema = '{{ target.schema }}' and invocation_id = holder;
                        insert into ledger.running_builds (target_schema, invocation_id)
                        values ('{{ target.schema }}', '{{ invocation_id }}')
                        on conflict (target_schema) do nothing;
                        exit;
                    end if;
                    perform pg_stat_clear_snapshot();
                    if exists (
                        select from pg_catalog.pg_stat_activity
                        where datname = current_database() and application_name = 'dbt'
                    ) then
                        alive_at := clock_timestamp();
                        exit when alive_at - looked_at > interval '1 second';
                    end if;
                    perform pg_sleep(0.1);
                end loop;
            end
            $wait$;
            select invocation_id, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS TZ')
            from ledger.running_builds
            where target_schema = '{{ target.schema }}'
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- set build = load_result('build_lock').table.rows[0] -%}
        {%- if build[0] == invocation_id -%}
            {%- break -%}
        {%- elif modules.datetime.datetime.now() >= give_up_at -%}
            {{ exceptions.raise_compiler_error(
                "Another run of dbt, " ~ build[0] ~ ", has been working on the same schemas since "
                ~ build[1] ~ ". Nothing was built. Run this again when it has ended, stop it, or wait "
                ~ "longer: --vars '{build_wait_minutes: 120}'."
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {%- do run_query('reset application_name') -%}
{%- endmacro %}
