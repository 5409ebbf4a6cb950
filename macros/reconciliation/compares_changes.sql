{#- Whether the model at hand compares what changed since it compared last, and not all open days. -#}
{% macro compares_changes() -%}
    {{ return(is_incremental() and not var('full_check')) }}
{%- endmacro %}
