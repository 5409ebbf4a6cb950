{#- Subquery: the loads that the facts have not processed. -#}
{% macro arrived_loads() -%}
    select loads.load_id
    from {{ ref('stg_platform__loads') }} as loads
    where
        loads.load_id not in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )
{%- endmacro %}
