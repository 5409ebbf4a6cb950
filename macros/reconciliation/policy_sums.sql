{#- Columns of `policy_measures`, from the rows of a day's policies. -#}
{% macro policy_sums() -%}
    count(*) as policies,
        sum(policies.total_tasks) as tasks_of_policies,
        sum(policies.compared_tasks + policies.unknown_baseline_tasks) as priced_tasks_of_policies
        {%- for policy in ['headline'] + baseline_policies_of_usage() | list -%}
        {%- for measure in [
            'total_tasks', 'compared_tasks', 'negative_savings_tasks', 'unknown_overhead_tasks', 'compared_cost_usd',
            'total_baseline_cost_usd', 'total_savings_usd', 'total_net_savings_usd',
        ] %},
        sum(policies.{{ measure }}) filter (where policies.policy = '{{ policy }}')
            as {{ (policy ~ '_' if policy != 'headline') ~ measure.replace('total_tasks', 'successful_tasks') }}
        {%- endfor -%}
        {%- endfor %}
{%- endmacro %}
