{#- Names of what a day's policies are compared by: of the policy in force, and of all together; where everything is
    compared, also of each of the others, of which only the facts tell. -#}
{% macro policy_measures() -%}
    {%- set names = ['successful_tasks', 'policies', 'tasks_of_policies'] -%}
    {%- set prefixes = [''] -%}
    {%- if not compares_changes() -%}
        {%- do names.append('priced_tasks_of_policies') -%}
        {%- for policy in baseline_policies_of_usage() -%}{%- do prefixes.append(policy ~ '_') -%}{%- endfor -%}
    {%- endif -%}
    {%- for prefix in prefixes -%}
        {%- for measure in [
            'compared_tasks', 'negative_savings_tasks', 'unknown_overhead_tasks', 'compared_cost_usd',
            'total_baseline_cost_usd', 'total_savings_usd', 'total_net_savings_usd',
        ] -%}
            {%- do names.append(prefix ~ measure) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}
