{#- Statements of `fct_task_executions`, after it has logged changes: what all models that follow it have read leaves
    the log, but for the last build, so that a build without changes writes nothing. Bookmarks of models that
    the project no longer has go, for they would keep it for ever. -#}
{% macro forget_read_changes() -%}
    {%- set log, bookmarks = ref('int_execution_changes'), ref('int_bookmarks') %}
    {%- if execute %}
    delete from {{ bookmarks }}
    where
        model_name not in (
            {%- for node in graph.nodes.values() if node.resource_type == 'model' %}
            '{{ node.name }}'{{ ',' if not loop.last }}
            {%- endfor %}
        );
    {%- endif %}

    delete from {{ log }}
    where
        build_id <= (select min(build_id) from {{ bookmarks }})
        and build_id < (select max(build_id) from {{ bookmarks }});
{%- endmacro %}
