{#- At the start of a run, after whatever may refuse it: one run at a time works on the schemas of a
    target. A row says whose turn it is, because dbt keeps no connection over a run that could hold a
    lock. Whether a source is fresh may be asked at any time. -#}
{% macro take_build_lock() -%}
    {%- if execute and flags.WHICH != 'freshness' -%}
        {%- if run_query("select to_regclass('audit.audit_log')").rows[0][0] is none -%}
            {{ exceptions.raise_compiler_error(
                "The database is older than this project. Run `warehouse db migrate`, then this again."
            ) }}
        {%- endif -%}
        {%- call statement('build_lock', fetch_result=True) -%}
            insert into ledger.running_builds as builds (target_schema, invocation_id)
            values ('{{ target.schema }}', '{{ invocation_id }}')
            on conflict (target_schema) do update set started_at = builds.started_at
            returning invocation_id, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS TZ')
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- set build = load_result('build_lock').table.rows[0] -%}
        {%- if build[0] != invocation_id -%}
            {%- do wait_for_build_lock(build) -%}
        {%- endif -%}
        {%- do move_relations() -%}
        {%- do drop_replaced_tables() -%}
        {%- if build[0] != invocation_id -%}
            {%- do refresh_relation_cache() -%}
        {%- endif -%}
        {%- do note_sealed_history() -%}
    {%- endif -%}
{%- endmacro %}
