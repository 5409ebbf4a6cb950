{#- Subquery: the loads that the fact table has not taken in. -#}
{% macro arrived_loads() -%}
    select loads.load_id
    from {{ ref('stg_platform__loads') }} as loads
    where {{ not_taken_in('fct_task_executions', 'load', 'cast(loads.load_id as text)') }}
{%- endmacro %}
