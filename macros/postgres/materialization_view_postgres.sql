{#- Views are replaced in place, and left alone when nothing changed, so that views on them and who
    reads them never miss them: dbt would drop each view with all that stands on it in every build.
    Only a view whose columns changed otherwise than by new ones at the end is dropped; what stood
    on it is built later in the same run. The new view is tried out as a temporary one first. -#}
{% materialization view, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set view = this.incorporate(type='view') -%}
    {%- set trial = api.Relation.create(schema='pg_temp', identifier='trial', type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- call statement('main') -%}
        {{ get_create_view_as_sql(trial, sql) }}
    {%- endcall -%}
    {%- set changes = run_query(view_changes(view, trial)).rows[0] -%}
    {%- do adapter.drop_relation(trial) -%}

    {#- dbt forgets views on a table that a full refresh replaces, which moved on to the new one. -#}
    {%- if changes['must_drop'] -%}
        {%- do adapter.drop_relation(existing or view) -%}
        {%- set existing = none -%}
    {%- endif -%}
    {%- if changes['must_create'] -%}
        {%- call statement('replace') -%}
            {{ get_replace_view_sql(view, sql) }};
            select {{ protect(view) }}
        {%- endcall -%}
    {%- endif -%}

    {%- set should_revoke = should_revoke(existing, full_refresh_mode=False) -%}
    {%- do apply_grants(view, config.get('grants'), should_revoke=should_revoke) -%}
    {%- do persist_docs(view, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [view]}) }}
{%- endmaterialization %}
