{#- Statements of a rollup, after `open_intake`: list in `touched_days` the days to compute again. A table and
    not a subquery, because it is read several times and its size decides how the facts are best read. -#}
{% macro collect_touched_days(unit='organization', after=[]) -%}
    {%- if is_incremental() -%}
    create temporary table touched_days on commit drop as
    {{ pending_days(unit, after) }};

    {{ spare_sealed_days(unit) }}

    analyze touched_days;
    {%- endif -%}
{%- endmacro %}
