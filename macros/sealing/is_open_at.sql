{#- Condition: what an organization did at a moment is not sealed. What is sealed belongs to each organization: one that
    had nothing when others were sealed is open. -#}
{% macro is_open_at(relation, moment) -%}
    not exists (
            select 1
            from {{ ref('int_sealed_days') }} as sealed_days
            where
                sealed_days.organization_id = {{ relation }}.organization_id
                and {{ moment }} < sealed_days.sealed_before
        )
{%- endmacro %}
