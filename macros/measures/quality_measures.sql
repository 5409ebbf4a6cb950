{#- Columns about quality, from the executions of a group: completed executions with a score, and the sum of
    the scores, which with their number gives the mean over any rows. -#}
{% macro quality_measures() -%}
    {%- set scored = "executions.status = 'completed' and executions.quality_score is not null" -%}
    {{ count_tasks(scored) }} as scored_tasks,
        {{ sum_signed('executions.quality_score', condition=scored) }} as total_quality_score
{%- endmacro %}
