{#- Steps of a query that end in `latest_versions`: of executions the latest version that landed in a load which the
    facts have processed, with the sums of its parts and the day that it belongs to. Of all that landed, or of
    the executions that `wanted` lists. Those of sealed days are left out. -#}
{% macro latest_landed_executions(wanted=none) -%}
organizations as (

    select * from {{ ref('int_organization_versions') }}

),

versions as (

    {{ versions_of(ref('stg_platform__task_executions'), 'execution_id', wanted) }}
    where
        versions._load_id in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )

),

claimed as (

    {{ claimed_versions('task_execution', 'versions') }}

),

ranked_versions as (

    select
        *,
        row_number() over (
            partition by execution_id
            order by
                {{ version_order('task_execution') }}
        ) = 1 as is_latest
    from claimed

),

latest_versions as (

    select
        ranked_versions.*,
        coalesce(
            tokens_used, input_tokens + output_tokens, input_tokens, output_tokens
        ) as total_tokens,
        {{ sum_of_token_parts() }} as part_tokens,
        {{ json_object_sum('ranked_versions.other_usage') }} as other_units,
        {{ local_date(
            'ranked_versions.start_time',
            "case when is_bucket then 'UTC' else coalesce(organizations.timezone, 'UTC') end"
        ) }} as metric_date
    from ranked_versions
    left join organizations
        on
            ranked_versions.organization_id = organizations.organization_id
            and ranked_versions.start_time >= organizations.valid_from
            and ranked_versions.start_time < organizations.valid_until
    where
        ranked_versions.is_latest
        and not exists (
            select 1
            from {{ ref('int_sealed_versions') }} as sealed
            where sealed.execution_id = ranked_versions.execution_id
        )

)
{%- endmacro %}
