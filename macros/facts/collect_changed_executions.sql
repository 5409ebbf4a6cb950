{#- Statements of a model that looks executions up by key: list in `changed_executions` those that changed since its
    bookmark, as they were and as they are, with the columns that it looks them up by. -#}
{% macro collect_changed_executions(columns) -%}
    create temporary table changed_executions on commit drop as
    select distinct
        changes.execution_id,
        changes.{{ columns | join(',\n        changes.') }}
    from {{ changes_of('fct_task_executions') }};

    analyze changed_executions;
{%- endmacro %}
