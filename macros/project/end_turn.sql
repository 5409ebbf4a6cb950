{#- At the end of a run, also of one that failed: the next run may begin. -#}
{% macro end_turn() -%}
    {%- if execute and flags.WHICH != 'freshness' -%}
        {%- call statement('turn') -%}
            delete from raw.running_builds
            where target_schema = '{{ target.schema }}' and invocation_id = '{{ invocation_id }}'
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
