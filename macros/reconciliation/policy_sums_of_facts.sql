{#- Columns of `policy_measures` of the policies that are not in force, from the executions of a day. -#}
{% macro policy_sums_of_facts() -%}
    {%- for policy in baseline_policies_of_usage() -%}
        {%- set baseline = 'executions.' ~ policy ~ '_baseline_cost_usd' -%}
        {%- set savings = baseline ~ ' - executions.cost_usd' -%}
        {%- set overhead = 'executions.routing_overhead_cost_usd' -%}
        {%- set is_compared = "executions.status = 'completed' and " ~ savings ~ ' is not null' -%}
        count(*) filter (where {{ is_compared }}) as {{ policy }}_compared_tasks,
        count(*) filter (where {{ is_compared }} and {{ savings }} < 0) as {{ policy }}_negative_savings_tasks,
        count(*) filter (where {{ is_compared }} and {{ overhead }} is null)
            as {{ policy }}_unknown_overhead_tasks,
        {{ sum_usd('executions.cost_usd', is_compared) }} as {{ policy }}_compared_cost_usd,
        {{ sum_usd(baseline, is_compared) }} as {{ policy }}_total_baseline_cost_usd,
        {{ sum_usd(savings, is_compared) }} as {{ policy }}_total_savings_usd,
        {{ sum_usd(savings ~ ' - ' ~ overhead, is_compared) }} as {{ policy }}_total_net_savings_usd
        {{- ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
