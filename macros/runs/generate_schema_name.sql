{#- Schemas carry their plain names (marts, staging ...) in the main target, which is the one whose
    default schema is `public`; another default schema becomes their prefix, so that a second copy
    of the warehouse can stand beside the first. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif target.schema == 'public' -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
