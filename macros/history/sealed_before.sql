{#- Scalar subquery: everything that started before this moment is sealed. -#}
{% macro sealed_before() -%}
    (
        select coalesce(max(seals.sealed_before), cast('-infinity' as timestamptz))
        from {{ ref('stg_platform__seals') }} as seals
    )
{%- endmacro %}
