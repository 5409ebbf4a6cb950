{#- The organizations that the target `tenant` builds for, from WAREHOUSE_ORGANIZATIONS; none in every other target, which
    builds for all of them. -#}
{% macro tenant_organizations() -%}
    {%- set organizations = [] -%}
    {%- if target.name == 'tenant' -%}
        {%- for text in env_var('WAREHOUSE_ORGANIZATIONS').split(',') -%}
            {%- set fault = input_fault(text | trim, 'uuid') -%}
            {%- if fault -%}
                {{ exceptions.raise_compiler_error(
                    'WAREHOUSE_ORGANIZATIONS: ' ~ fault ~ '. Several are separated by commas.'
                ) }}
            {%- endif -%}
            {%- do organizations.append(text | trim | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(organizations | unique | sort) }}
{%- endmacro %}
