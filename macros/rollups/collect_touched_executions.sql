{#- Statements of a rollup, after `collect_touched_days`: copy the executions of the touched days, looked up
    through the index that the facts have for the unit, into `touched_executions`. What is known of its
    other columns decides nothing, and finding it out for all 21 took half as long as the copy. -#}
{% macro collect_touched_executions(unit='organization') -%}
    {%- if is_incremental() -%}
    create temporary table touched_executions on commit drop as
    select
        {%- for column in rollup_columns() %}
        executions.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_task_executions') }} as executions
    {{ of_touched_days('executions', unit) }};

    analyze touched_executions ({{ unit_columns(unit) | join(', ') }}, metric_date);
    {%- endif -%}
{%- endmacro %}
