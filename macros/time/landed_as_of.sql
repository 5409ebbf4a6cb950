{#- Condition: this landed row came in a load that had landed by the var `as_of`; always true when it is
    not set. -#}
{% macro landed_as_of(load_id='_load_id') -%}
    {%- if var('as_of') -%}
        {{ load_id }} in (
            select loads.load_id
            from {{ source('warehouse', 'loads') }} as loads
            where {{ known_as_of('loads.landed_at') }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
