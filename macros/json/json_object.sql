{#- A JSON object from columns, each under a name. -#}
{% macro json_object(fields) -%}
    jsonb_build_object(
        {%- for name, column in fields.items() -%}
        '{{ name }}', {{ column }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}
