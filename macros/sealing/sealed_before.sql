{#- Scalar subquery: the days of providers before this moment are sealed, which hold executions of many organizations.
    A sealing without any seals none of them. -#}
{% macro sealed_before() -%}
    (
        select coalesce(max(seals.sealed_before), cast('-infinity' as timestamptz))
        from {{ ref('stg_warehouse__seals') }} as seals
        where seals.execution_count > 0
    )
{%- endmacro %}
