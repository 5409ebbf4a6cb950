-- Grain: one row per shadow evaluation, as its latest version says. A view, because evaluations are
-- samples and few: it shows what has landed.

{{ config(materialized='view') }}

with evaluations as (

    select * from {{ ref('stg_platform__shadow_evaluations') }}

),

executions as (

    select * from {{ ref('fct_task_executions') }}

),

-- Once, and not anew for each evaluation: the planner takes both for few.
organization_versions as materialized (

    select * from {{ ref('int_organization_versions') }}

),

-- An id belongs to the organization that landed it first: nobody takes over another's.
owned as (

    select
        *,
        first_value(organization_id) over (
            partition by shadow_evaluation_id
            order by _load_id, _line_number
        ) as owner_organization_id
    from evaluations

),

ranked as (

    select
        *,
        row_number() over (
            partition by shadow_evaluation_id
            order by
                {{ version_order('shadow_evaluation') }}
        ) as recency
    from owned
    where organization_id = owner_organization_id

),

-- The side that the router answered for, and the side that it is compared with.
sided as (

    select
        *,
        {%- for side, direction in [('routed', 'reverse'), ('baseline', 'forward')] %}
        {%- for column in ['model', 'cost_usd', 'classifier_cost_usd'] %}
        {%- set prefix = '' if column == 'model' else 'reported_' %}
        case
            when direction = '{{ direction }}' then {{ prefix }}real_{{ column }}
            else {{ prefix }}shadow_{{ column }}
        end as {{ prefix }}{{ side }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        case when direction = 'reverse' then 'real' else 'shadow' end as routed_side
    from ranked
    where recency = 1

),

compared as (

    select
        *,
        (reported_baseline_cost_usd + reported_baseline_classifier_cost_usd)
        - (reported_routed_cost_usd + reported_routed_classifier_cost_usd) as difference_usd
    from sided

),

judged as (

    select
        *,
        case
            when outcome = 'error' then 'evaluation_failed'
            when is_real_cache_hit then 'cache_hit'
            when difference_usd is null then 'cost_unknown'
            else 'measured'
        end as savings_status
    from compared

),

final as (

    select
        judged.shadow_evaluation_id,
        judged.organization_id,
        judged.event_id,
        judged.execution_id,
        {{ local_date('judged.evaluated_at', "coalesce(organization_versions.timezone, 'UTC')") }}
            as metric_date,
        judged.evaluated_at,
        executions.task_type,
        judged.direction,
        judged.router,
        judged.tier,
        judged.routed_side,
        judged.routed_model,
        judged.baseline_model,
        judged.judge_model,
        judged.outcome,
        case
            when judged.outcome = judged.routed_side then 'better'
            when judged.outcome = 'tie' then 'tie'
            when judged.outcome <> 'error' then 'worse'
        end as quality_verdict,
        judged.confidence,
        judged.is_real_cache_hit,
        executions.cost_usd,
        judged.reported_routed_cost_usd,
        judged.reported_routed_classifier_cost_usd,
        judged.reported_baseline_cost_usd,
        judged.reported_baseline_classifier_cost_usd,
        judged.savings_status,
        cast(
            case when judged.savings_status = 'measured' then judged.difference_usd end
            as numeric(20, 12)
        ) as measured_savings_usd,
        judged.reported_judge_cost_usd,
        cast(
            judged.reported_judge_cost_usd
            + judged.reported_shadow_cost_usd
            + judged.reported_shadow_classifier_cost_usd
            as numeric(20, 12)
        ) as evaluation_cost_usd,
        judged.updated_at
    from judged
    left join executions
        on
            judged.execution_id = executions.execution_id
            and judged.organization_id = executions.organization_id
    left join organization_versions
        on
            judged.organization_id = organization_versions.organization_id
            and judged.evaluated_at >= organization_versions.valid_from
            and judged.evaluated_at < organization_versions.valid_until

)

select * from final
