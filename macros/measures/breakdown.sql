{#- Column: a JSON object with something about each member of a dimension in a period of an organization: one value
    (tasks, cost, spend or savings), or an object of all of them. -#}
{% macro breakdown(dimension, value=none) -%}
    {%- set sums = {
        'tasks': 'cast(sum(usage.total_tasks) as bigint)',
        'cost': 'sum(usage.total_cost_usd)',
        'spend': 'sum(usage.total_spend_usd)',
        'savings': 'sum(usage.total_savings_usd)',
    } -%}
    {%- set shown = [value] if value else sums | list -%}
    {%- set entries = {} -%}
    {%- for name in shown -%}
        {%- do entries.update({name: 'parts.' ~ name}) -%}
    {%- endfor -%}
    (
            select {{ json_object_of('parts.member', 'parts.' ~ value if value else json_object(entries)) }}
            from (
                select
                    usage.{{ dimension }} as member,
                    {%- for name in shown %}
                    {{ sums[name] }} as {{ name }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ ref('int_model_usage_days') }} as usage
                where {{ lies_in('usage', 'periods') }}
                group by usage.{{ dimension }}
            ) as parts
        )
{%- endmacro %}
