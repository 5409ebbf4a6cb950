{#- Statement of `reconciled_days`, after `open_changes`: list in `compared_executions` the executions that changed, and
    those about which something arrived. A table, because its size decides how versions are best looked up. -#}
{% macro collect_compared_executions(after) -%}
    {%- if compares_changes() -%}
    create temporary table compared_executions on commit drop as
    select changes.execution_id
    from {{ changes_of('fct_task_executions', after=after) }}
    union
    select execution_id
    from {{ ref('stg_platform__task_executions') }}
    where {{ landed_in(newly_processed_loads()) }};

    analyze compared_executions;
    {%- endif -%}
{%- endmacro %}
