{#- At the end of a run, also of one that failed: the next run may begin, and the ledger of builds has this one. -#}
{% macro release_build_lock(results) -%}
    {%- if execute and flags.WHICH != 'freshness' -%}
        {%- set failed = results | selectattr('status', 'in', ['error', 'fail']) | list -%}
        {%- call statement('build_lock') -%}
            with ended as (
                delete from ledger.running_builds
                where target_schema = '{{ target.schema }}' and invocation_id = '{{ invocation_id }}'
                returning *
            )
            insert into ledger.finished_builds
                (invocation_id, target_schema, command, started_at, node_count, failed_count)
            select
                ended.invocation_id,
                ended.target_schema,
                '{{ flags.WHICH }}' as command,
                ended.started_at,
                {{ results | length }} as node_count,
                {{ failed | length }} as failed_count
            from ended
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
