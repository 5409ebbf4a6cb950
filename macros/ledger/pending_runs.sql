{#- Subquery: the builds of the fact table that the model `this` has not taken in yet. A model that reads
    others as well names them in `after`, so that it never runs ahead of any: of those that add up changes
    (they begin with int_) the bookmark must have reached that of the facts. -#}
{% macro pending_runs(after=[]) -%}
    with runs as (
        select invocation_id
        from {{ ref('int_model_inputs') }}
        where model_name = 'fct_task_executions'
        union
        select invocation_id
        from {{ ref('int_touched_organization_days') }}
    )
    select runs.invocation_id
    from runs
    where
        {{ not_taken_in(this.identifier, 'run', 'runs.invocation_id') }}
        {%- for model_name in after %}
        {%- if model_name.startswith('int_') %}
        and exists (
            select 1
            from {{ ref('int_bookmarks') }} as bookmarks
            inner join {{ ref('int_bookmarks') }} as of_facts on bookmarks.build_id = of_facts.build_id
            where bookmarks.model_name = '{{ model_name }}' and of_facts.model_name = 'fct_task_executions'
        )
        {%- else %}
        and {{ taken_in(model_name, 'run', 'runs.invocation_id') }}
        {%- endif %}
        {%- endfor %}
{%- endmacro %}
