{#- Condition: this row is of an organization that the target builds for; always true in a target that builds for all. -#}
{% macro of_tenant(organization_id='organization_id') -%}
    {%- if tenant_organizations() -%}
        {{ organization_id }} in ('{{ tenant_organizations() | join("', '") }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
