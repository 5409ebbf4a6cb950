{#- Whether this is a full refresh that keeps the model's sealed rows; see `should_full_refresh`. -#}
{% macro refreshes_open_rows() -%}
    {{ return(flags.FULL_REFRESH and is_incremental()) }}
{%- endmacro %}
