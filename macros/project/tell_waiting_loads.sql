{#- At the end of a run that built models, but not the facts: says how many loads wait for them, because
    such a run succeeds and takes nothing in. Also under --quiet. -#}
{% macro tell_waiting_loads(results) -%}
    {%- set known_inputs = ref('int_model_inputs') -%}
    {%- set loads = source('platform', 'loads') -%}
    {%- set models = results | selectattr('node.resource_type', 'equalto', 'model')
        | map(attribute='node.name') | list -%}
    {%- if execute and models and 'fct_task_executions' not in models -%}
        {%- set waiting = run_query(
            'select count(*) from ' ~ loads ~ ' as loads'
            ~ (' where ' ~ not_taken_in('fct_task_executions', 'load', 'cast(loads.load_id as text)')
                if load_relation(known_inputs) else '')
        ).rows[0][0] -%}
        {%- if waiting -%}
            {%- do print(
                'WAITING loads: ' ~ waiting ~ '. This run did not build fct_task_executions, '
                ~ 'which takes them in; `dbt build` does.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
