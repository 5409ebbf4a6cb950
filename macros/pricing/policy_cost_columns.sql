{#- Columns of the facts: what an execution would have cost under each policy. -#}
{% macro policy_cost_columns() -%}
    {%- set columns = [] -%}
    {%- for policy in baseline_policies_of_usage() -%}
        {%- do columns.append(policy ~ '_baseline_cost_usd') -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
