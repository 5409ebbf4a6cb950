{#- Condition: a day of a unit, of a period its last one, is not sealed. -#}
{% macro is_open(relation, last_day, unit) -%}
    {%- if unit == 'provider' -%}
    {{ utc_midnight(last_day) }} >= {{ sealed_before() }}
    {%- else -%}
    not exists (
            select 1
            from {{ ref('int_sealed_days') }} as sealed_days
            where
                sealed_days.organization_id = {{ relation }}.organization_id
                and {{ last_day }} < sealed_days.sealed_until
        )
    {%- endif -%}
{%- endmacro %}
