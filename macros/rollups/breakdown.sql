{#- Column: a JSON object with something about each member of a dimension in a period of an organization: a value, or an
    object of tasks, cost, spend and savings. -#}
{% macro breakdown(dimension, value=none) -%}
    (
            select {{ json_object_of('parts.member', value or json_object({
                'tasks': 'parts.tasks', 'cost': 'parts.cost',
                'spend': 'parts.spend', 'savings': 'parts.savings',
            })) }}
            from (
                select
                    usage.{{ dimension }} as member,
                    cast(sum(usage.total_tasks) as bigint) as tasks,
                    sum(usage.total_cost_usd) as cost,
                    sum(usage.total_spend_usd) as spend,
                    sum(usage.total_savings_usd) as savings
                from {{ ref('int_model_usage_days') }} as usage
                where {{ lies_in('usage', 'periods') }}
                group by usage.{{ dimension }}
            ) as parts
        )
{%- endmacro %}
