{#- Statement of a model by arrivals, after `collect_arrived_executions`: delete its rows of what is looked at again,
    of which nothing may be left. -#}
{% macro forget_arrived_executions() -%}
    {%- if is_incremental() -%}
    delete from {{ this }} as known
    using arrived_executions
    where known.execution_id = arrived_executions.execution_id;
    {%- endif -%}
{%- endmacro %}
