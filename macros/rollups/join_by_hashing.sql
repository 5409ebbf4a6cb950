{#- Statements: join by hashing and with memory for it. In a full refresh, which reads everything, and in a rollup
    after everything that is looked up through indexes: what follows joins groups with groups, of which the
    planner takes hundreds of thousands for a handful. -#}
{% macro join_by_hashing() -%}
    set local enable_nestloop = off;
    set local work_mem = '128MB';
    set local jit = off;
{%- endmacro %}
