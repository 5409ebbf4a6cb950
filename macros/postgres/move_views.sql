{#- Moves the views that read a table which a full refresh has replaced to the one that has its place, each in a
    transaction of its own, so that readers wait for one of them at most. One that cannot move, because the new
    table has other columns or the view belongs to somebody else, stays. The lock keeps other threads from
    dropping what a view reads while it is being looked at. -#}
{% macro move_views(replaced) -%}
    {%- set lock = "select pg_advisory_xact_lock(hashtext('move_views'))" -%}
    {%- set views = run_query(
        "select distinct rules.ev_class from pg_catalog.pg_depend as uses "
        ~ "inner join pg_catalog.pg_rewrite as rules on uses.objid = rules.oid "
        ~ "inner join pg_catalog.pg_class as views on rules.ev_class = views.oid and views.relkind = 'v' "
        ~ "where uses.classid = cast('pg_rewrite' as regclass) and uses.refobjid = to_regclass('" ~ replaced ~ "')"
    ).columns[0].values() -%}
    {%- for view in views -%}
        {%- call statement('move') %}
        {{ lock }};

        do $move$
        begin
            execute (
                select
                    format(
                        'create or replace view %s %s as %s',
                        cast(views.oid as regclass),
                        'with (' || array_to_string(views.reloptions, ', ') || ')',
                        regexp_replace(pg_get_viewdef(views.oid), '__dbt_backup\M', '', 'g')
                    )
                from pg_catalog.pg_class as views
                where views.oid = {{ view }}
            );
        exception when syntax_error_or_access_rule_violation then
            null;
        end
        $move$
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endfor -%}
    {%- call statement('lock') %}
    {{ lock }}
    {%- endcall -%}
{%- endmacro %}
