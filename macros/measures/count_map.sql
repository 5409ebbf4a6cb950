{#- Column: a map of how often each value of a column occurs in a group of executions, each counted with its sign;
    where `known`, the column itself unless told otherwise, is missing nothing counts. Most groups of a small grain
    have one execution, for which no function is called. -#}
{% macro count_map(column, known=none) -%}
    {%- set known = known or column -%}
    {%- set counted = 'filter (where ' ~ known ~ ' is not null)' -%}
    case count({{ known }})
            when 0 then cast('{}' as jsonb)
            when 1 then jsonb_build_object(
                min(cast({{ column }} as text)) {{ counted }}, min(executions.sign) {{ counted }}
            )
            else {{ function_schema() }}.count_map(
                array_agg(cast({{ column }} as text)) {{ counted }},
                array_agg(executions.sign) {{ counted }}
            )
        end
{%- endmacro %}
