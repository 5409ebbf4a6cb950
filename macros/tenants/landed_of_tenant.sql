{#- Condition: this load brought something of an organization that the target builds for; always true in a target that
    builds for all. -#}
{% macro landed_of_tenant() -%}
    {%- if tenant_organizations() -%}
        load_id in (
            select landed_totals.load_id
            from {{ source('ledger', 'landed_totals') }} as landed_totals
            where {{ of_tenant('landed_totals.organization_id') }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
