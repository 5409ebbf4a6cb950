{#- Condition: a day of a unit is among those that somebody asked to compute again; see `is_rebuilt`. A day on each
    side is taken along, which time zones may touch. A provider's day holds all organizations, so it is one of
    them whoever is asked for. -#}
{% macro is_rebuilt_day(relation, day, unit) -%}
    {%- for var_name, comparison, slack in [('rebuild_from', '>=', '-'), ('rebuild_until', '<', '+')] if var(var_name) %}
        {{- day }} {{ comparison }} cast('{{ var(var_name) }}' as date) {{ slack }} 1 and {# #}
    {%- endfor %}
    {%- if var('rebuild_organizations') and unit != 'provider' -%}
        {{ relation }}.organization_id = any(
            cast('{ {{- var('rebuild_organizations') | join(',') -}} }' as uuid [])
        )
    {%- else -%}
        true
    {%- endif %}
{%- endmacro %}
