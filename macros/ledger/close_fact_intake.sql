{#- Last post-hook of `fct_task_executions`: what it has just used goes into its record, in the
    transaction that wrote its rows: both stand or neither. -#}
{% macro close_fact_intake() -%}
    {{ take_in(this.identifier, 'load', 'cast(inputs.load_id as text)', ref('stg_platform__loads')) }}
    {{ take_in_prices() }}
    delete from {{ ref('int_execution_work') }};
{%- endmacro %}
