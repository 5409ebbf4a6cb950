{#- What is wrong with a cell of a seed, in words; empty when nothing is. What no later row could ever
    take back is wrong: a time of recording that is still to come would win over every correction. -#}
{% macro seed_cell_fault(column, cell, type, is_required) -%}
    {%- if cell is none -%}
        {{- return('blank, and must not be' if is_required else '') -}}
    {%- endif -%}
    {%- set fault = input_fault(cell, type) -%}
    {%- if not fault and column == 'recorded_at' -%}
        {%- set latest = run_started_at.replace(tzinfo=none) + modules.datetime.timedelta(days=1) -%}
        {%- if moment_of(cell) > latest -%}
            {%- set fault = cell ~ ' is still to come; a row is recorded when it is written' -%}
        {%- endif -%}
    {%- endif -%}
    {{- return(fault) -}}
{%- endmacro %}
