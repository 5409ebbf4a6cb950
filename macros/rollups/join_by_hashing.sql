{#- Statements of a rollup, after everything that is looked up through indexes. What follows joins groups
    with groups, of which the planner takes hundreds of thousands for a handful: loops over them would take
    hours. -#}
{% macro join_by_hashing() -%}
    set local enable_nestloop = off;
    set local work_mem = '128MB';
{%- endmacro %}
