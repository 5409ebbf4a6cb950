{#- Scalar subquery: the map of durations of a row from the table of version 0.1 that held a row for each bucket. -#}
{% macro durations_of_histogram(name, unit) -%}
    coalesce(
            (
                select jsonb_object_agg(buckets.duration_bucket, buckets.timed_tasks)
                from {{ table_of_marts(name) }} as buckets
                where {{ same_unit('buckets', 'periods', unit) }} and buckets.metric_date = periods.metric_date
            ),
            '{}'
        )
{%- endmacro %}
