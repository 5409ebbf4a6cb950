{#- Columns that the rollups of providers have, from the executions of a group; see `provider_measure_names`. -#}
{% macro provider_measures() -%}
    {{ task_measures() }},
        {{ count_tasks("executions.status = 'completed' and executions.cost_usd is not null") }}
            as costed_tasks,
        {{ quality_measures() }}
{%- endmacro %}
