{#- Column: a map of how often each value of a column occurs in a group of executions, each counted with its sign;
    missing values do not count. Most groups of a small grain have one execution, for which no function is called. -#}
{% macro count_map(column) -%}
    {%- set counted = 'filter (where ' ~ column ~ ' is not null)' -%}
    case count({{ column }})
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
