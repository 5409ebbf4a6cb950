{#- Rows: what landed of the entities that `wanted` lists by `key`, each looked up through the index of the key: the
    planner takes a hundred thousand of them for reason enough to read all that ever landed. Without `wanted` all
    that landed. -#}
{% macro versions_of(relation, key, wanted=none) -%}
    {%- if wanted %}
    select versions.*
    from {{ wanted }} as wanted
    cross join lateral (
        select *
        from {{ relation }} as landed
        where landed.{{ key }} = wanted.{{ key }}
        {{ compute_once() }}
    ) as versions
    {%- else %}
    select versions.*
    from {{ relation }} as versions
    {%- endif %}
{%- endmacro %}
