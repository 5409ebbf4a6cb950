{#- Columns of a merged histogram: the tasks up to and with each bucket of a group, and all of the group. -#}
{% macro reached_tasks(group) -%}
    sum(timed_tasks) over (
            partition by {{ group | join(', ') }}
            order by duration_bucket
            rows between unbounded preceding and current row
        ) as reached_tasks,
        sum(timed_tasks) over (partition by {{ group | join(', ') }}) as all_timed_tasks
{%- endmacro %}
