{#- At the start of a run: look whether history is sealed; see `sealed_history`. A report of the past knows what
    was sealed by then and is always built whole. -#}
{% macro note_sealed_history() -%}
    {%- if flags.FULL_REFRESH and not var('as_of') -%}
        {%- call statement('sealed', fetch_result=True) -%}
            select seal_id from ledger.seals limit 1
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {%- if load_result('sealed').table.rows -%}
            {%- do adapter.cache_added(sealed_history()) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
