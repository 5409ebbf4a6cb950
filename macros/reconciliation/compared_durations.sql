{#- CTE: `duration_days`, what the maps of durations hold on each day that is compared, and in a full check what those
    of its hours hold: only a full check takes them apart. -#}
{% macro compared_durations(unit) -%}
    {%- set key = unit_columns(unit) + ['metric_date'] %}
    {%- for period in (['day'] if compares_changes() else ['day', 'hour']) %}
{{ period }}_durations as (

    select
        {%- for column in key %}
        days.{{ column }},
        {%- endfor %}
        sum(cast(buckets.tasks as bigint)) as timed_tasks,
        sum(cast(buckets.bucket as bigint) * cast(buckets.tasks as bigint)) as bucket_total
    from {{ ref('int_' ~ unit ~ '_' ~ period ~ 's') }} as days
    cross join {{ json_entries_text('days.durations') }} as buckets (bucket, tasks)
    where {{ in_compared_days('days', unit) }}
    group by days.{{ key | join(', days.') }}

),

    {%- endfor %}
duration_days as (

    {%- if compares_changes() %}
    select * from day_durations
    {%- else %}
    select
        day_durations.*,
        hour_durations.bucket_total as bucket_total_of_hours
    from day_durations
    left join hour_durations
        on
            {{ same_unit('day_durations', 'hour_durations', unit) }}
            and day_durations.metric_date = hour_durations.metric_date
    {%- endif %}

)
{%- endmacro %}
