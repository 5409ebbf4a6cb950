{#- Statements: join by hashing and with memory for it, in a full refresh, which reads everything. -#}
{% macro join_by_hashing() -%}
    set local enable_nestloop = off;
    set local work_mem = '128MB';
    set local jit = off;
{%- endmacro %}
