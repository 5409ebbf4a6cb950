{#- Condition: a row landed in one of these loads (a subquery of `load_id`). The first and the last of them are
    asked for as well, because rows lie in the order of their loads and so the block index finds that part
    of a large table, however little the planner knows of the sizes of loads. -#}
{% macro landed_in(loads) -%}
    _load_id >= (select min(first_of.load_id) from ({{ loads }}) as first_of)
        and _load_id <= (select max(last_of.load_id) from ({{ loads }}) as last_of)
        and _load_id in ({{ loads }})
{%- endmacro %}
