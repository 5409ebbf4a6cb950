{#- At the end of a run that built models, but not the facts: says how many loads wait for them, because
    such a run succeeds and processes nothing. Also under --quiet. -#}
{% macro tell_waiting_loads(results) -%}
    {%- set arrived_loads = ref('int_arrived_loads') -%}
    {%- set models = results | selectattr('node.resource_type', 'equalto', 'model')
        | map(attribute='node.name') | list -%}
    {%- if execute and models and 'fct_task_executions' not in models -%}
        {%- set waiting = run_query(
            'select count(*) from '
            ~ (arrived_loads if load_relation(arrived_loads) else source('warehouse', 'loads'))
        ).rows[0][0] -%}
        {%- if waiting -%}
            {%- do print(
                'WAITING loads: ' ~ waiting ~ '. This run did not build fct_task_executions, '
                ~ 'which processes them; `dbt build` does.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
