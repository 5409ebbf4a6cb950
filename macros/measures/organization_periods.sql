{#- Query: the days, weeks or months of organizations, from their days. What nobody asks for is not computed: people,
    breakdowns and percentiles are looked up for the rows that a query returns. -#}
{% macro organization_periods(aggregation_period) -%}
with days as (

    select * from {{ ref('int_organization_days') }}

),

periods as (

    {{ periods_from_days(aggregation_period, ['organization_id'], dict(
        measure_names(),
        negative_savings_tasks='bigint',
        unknown_overhead_tasks='bigint',
        input_tokens='numeric(28, 0)',
        output_tokens='numeric(28, 0)',
        total_net_savings_usd='numeric(28, 12)',
    ), ['durations']) }}

),

final as (

    select
        periods.organization_id,
        organizations.organization_name,
        periods.metric_date,
        {{ measures('periods') }},
        periods.negative_savings_tasks,
        periods.unknown_overhead_tasks,
        -- Members by the end of the period, and whoever worked in it without being known as one.
        (
            select count(*)
            from {{ ref('dim_users') }} as members
            where
                members.organization_id = periods.organization_id
                and members.member_since <= periods.last_date
        ) + (
            select count(distinct people.user_id)
            from {{ ref('int_user_days') }} as people
            left join {{ ref('dim_users') }} as members
                on
                    people.organization_id = members.organization_id
                    and people.user_id = members.user_id
                    and members.member_since <= periods.last_date
            where
                {{ lies_in('people', 'periods') }}
                and members.user_id is null
        ) as total_developers,
        (
            select count(distinct people.user_id)
            from {{ ref('int_user_days') }} as people
            where {{ lies_in('people', 'periods') }}
        ) as active_developers,
        periods.input_tokens,
        periods.output_tokens,
        periods.total_net_savings_usd,
        {{ percentage('periods.total_savings_usd', 'periods.total_baseline_cost_usd') }}
            as savings_percentage,
        {{ mean_ms('periods.total_duration_ms', 'periods.timed_tasks') }} as avg_duration_ms,
        {%- for name, share in {'p50': 0.5, 'p95': 0.95, 'p99': 0.99}.items() %}
        {{ duration_percentile('periods.durations', share) }} as {{ name }}_duration_ms,
        {%- endfor %}
        (
            select count(distinct usage.provider)
            from {{ ref('int_model_usage_days') }} as usage
            where {{ lies_in('usage', 'periods') }}
        ) as providers_used,
        {{ breakdown('provider', 'tasks') }} as provider_usage,
        {{ breakdown('provider', 'spend') }} as provider_costs,
        {{ breakdown('provider') }} as by_provider,
        {{ breakdown('task_type', 'tasks') }} as task_type_distribution,
        {{ breakdown('task_type') }} as by_task_type,
        periods.durations
    from periods
    left join {{ ref('dim_organizations') }} as organizations
        on periods.organization_id = organizations.organization_id

)

select * from final
{%- endmacro %}
