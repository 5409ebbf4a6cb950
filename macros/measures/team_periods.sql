{#- Query: the days or months of teams, from the days of their users. -#}
{% macro team_periods(aggregation_period) -%}
{%- set first = first_day(aggregation_period, 'days.metric_date') -%}
with days as (

    select
        days.*,
        versions.team
    from {{ ref('int_user_days') }} as days
    left join {{ ref('dim_user_versions') }} as versions
        on
            {{ holds_on('versions', 'days', 'days.metric_date') }}

),

periods as (

    select
        days.organization_id,
        days.team,
        {{ first }} as metric_date,
        count(distinct days.user_id) as active_developers,
        {{ sums('days', measure_names()) }}
    from days
    group by
        days.organization_id,
        days.team,
        {{ first }}

),

final as (

    select
        *,
        {{ mean_ms('total_duration_ms', 'timed_tasks') }} as avg_task_duration_ms,
        {{ percentage('total_savings_usd', 'total_baseline_cost_usd') }} as savings_percentage
    from periods

)

select * from final
{%- endmacro %}
