{#- Query: the days, weeks or months of users, from their days. -#}
{% macro user_periods(aggregation_period) -%}
with days as (

    select * from {{ ref('int_user_days') }}

),

periods as (

    {{ periods_from_days(
        aggregation_period, ['organization_id', 'user_id'], measure_names(),
        ['provider_tasks', 'task_type_tasks']
    ) }}

),

final as (

    select
        periods.organization_id,
        periods.user_id,
        users.user_name,
        -- Asked for by itself: whoever does not show the team reads no version.
        (
            select versions.team
            from {{ ref('dim_user_versions') }} as versions
            where
                {{ holds_on('versions', 'periods', 'periods.last_date') }}
        ) as team,
        periods.metric_date,
        {{ measures('periods') }},
        {{ mean_ms('periods.total_duration_ms', 'periods.timed_tasks') }} as avg_task_duration_ms,
        {{ percentage('periods.total_savings_usd', 'periods.total_baseline_cost_usd') }}
            as savings_percentage,
        (
            select used.provider
            from {{ json_entries_text('periods.provider_tasks') }} as used (provider, tasks)
            order by cast(used.tasks as numeric) desc, {{ in_code_order('used.provider') }} asc
            limit 1
        ) as most_used_provider,
        periods.provider_tasks as provider_usage,
        periods.task_type_tasks as task_type_distribution
    from periods
    left join {{ ref('dim_users') }} as users
        on
            periods.organization_id = users.organization_id
            and periods.user_id = users.user_id

)

select * from final
{%- endmacro %}
