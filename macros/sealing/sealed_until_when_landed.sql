{#- Subquery: until which day an organization was sealed when a landed row of it arrived; NULL where nothing was. -#}
{% macro sealed_until_when_landed(relation) -%}
    (
                select max(sealings.sealed_until)
                from {{ ref('stg_warehouse__sealed_organizations') }} as sealings
                inner join {{ ref('stg_warehouse__loads') }} as loads
                    on sealings.sealed_at <= loads.landed_at
                where
                    sealings.organization_id = {{ relation }}.organization_id
                    and loads.load_id = {{ relation }}._load_id
            )
{%- endmacro %}
