{#- Columns of `policy_measures` of the policies that are not in force, from the executions of a day. -#}
{% macro policy_sums_of_facts() -%}
    {%- set is_compared = "executions.status = 'completed' and executions.cost_usd is not null" -%}
    {%- for policy in baseline_policies_of_usage() -%}
        {%- set baseline = 'executions.' ~ policy ~ '_baseline_cost_usd' -%}
        count({{ baseline }}) filter (where {{ is_compared }}) as {{ policy }}_compared_tasks,
        {{ sum_usd(baseline, is_compared) }} as {{ policy }}_total_baseline_cost_usd,
        {{ sum_usd(baseline ~ ' - executions.cost_usd', is_compared) }} as {{ policy }}_total_savings_usd,
        {{ sum_usd(
            baseline ~ ' - executions.cost_usd - executions.routing_overhead_cost_usd', is_compared
        ) }} as {{ policy }}_total_net_savings_usd{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
