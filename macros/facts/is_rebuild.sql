{#- Whether somebody asked to compute days or organizations again. -#}
{% macro is_rebuild() -%}
    {{- return(var('rebuild_from') or var('rebuild_until') or var('rebuild_organizations')) -}}
{%- endmacro %}
