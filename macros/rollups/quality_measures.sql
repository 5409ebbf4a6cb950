{#- Columns about quality, from the executions of a group: completed executions with a score, and the sum of
    the scores, which with their number gives the mean over any rows. -#}
{% macro quality_measures() -%}
    count(executions.quality_score) filter (where executions.status = 'completed')
            as scored_tasks,
        cast(
            coalesce(
                sum(executions.quality_score) filter (where executions.status = 'completed'), 0
            ) as numeric(28, 12)
        ) as total_quality_score
{%- endmacro %}
