{#- How far a version of an execution has come; completed and failed are equally final. -#}
{% macro progress(relation=none) -%}
    case {{ relation ~ '.' if relation }}status when 'pending' then 0 when 'running' then 1 else 2 end
{%- endmacro %}
