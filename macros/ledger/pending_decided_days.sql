{#- Subquery: the organization days that the facts changed and whose routing decisions are built. -#}
{% macro pending_decided_days() -%}
    {{ pending_organization_days(after='fct_routing_decisions') }}
{%- endmacro %}
