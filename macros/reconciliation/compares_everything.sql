{#- Whether the model at hand compares layers and somebody asked for all of them, as every night. -#}
{% macro compares_everything() -%}
    {{ return(var('full_check') and (config.get('meta') or {}).get('sealed') == 'comparisons') }}
{%- endmacro %}
