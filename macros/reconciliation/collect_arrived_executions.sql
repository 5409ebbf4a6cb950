{#- Statements of a model by arrivals, after `open_intake`: list in `arrived_executions` what landed in the loads that
    it reads. A table, because its size decides how versions are best looked up. -#}
{% macro collect_arrived_executions() -%}
    {%- if is_incremental() -%}
    create temporary table arrived_executions on commit drop as
    select distinct execution_id
    from {{ ref('stg_platform__task_executions') }}
    where {{ landed_in(newly_processed_loads()) }};

    analyze arrived_executions;
    {%- endif -%}
{%- endmacro %}
