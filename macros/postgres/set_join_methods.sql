{#- Statements for this transaction: who reads everything joins by hashing, with memory for it, because millions of
    look-ups would take hours; an increment looks up by key, because a merge join would walk through all that ever
    landed in the order of an index. Nothing is compiled just in time: the planner reckons with the half of
    `changes_of` that is not executed. -#}
{% macro set_join_methods() -%}
    set local jit = off;
    {%- if flags.FULL_REFRESH or not is_incremental() %}
    set local enable_nestloop = off;
    set local work_mem = '128MB';
    {%- else %}
    set local enable_mergejoin = off;
    {%- endif %}
{%- endmacro %}
