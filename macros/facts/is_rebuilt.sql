{#- Condition: a row is among those that the vars `rebuild_from`, `rebuild_until` (days in UTC, the second
    excluded) and `rebuild_organizations` ask to compute again. What is sealed never is. -#}
{% macro is_rebuilt(relation, moment) -%}
    {{ is_open_at(relation, relation ~ '.' ~ moment) }}
        {%- for var_name, comparison in [('rebuild_from', '>='), ('rebuild_until', '<')] if var(var_name) %}
        and {{ relation }}.{{ moment }} {{ comparison }} {{ utc_midnight(quoted(var(var_name))) }}
        {%- endfor %}
        {%- if var('rebuild_organizations') %}
        and {{ relation }}.organization_id = any(
            cast({{ quoted('{' ~ var('rebuild_organizations') | join(',') ~ '}') }} as uuid [])
        )
        {%- endif %}
{%- endmacro %}
