{#- Condition of a join: two rows are about the events of one load, kind, organization and day. -#}
{% macro same_events(left, right) -%}
    {%- for column in ['_load_id', 'event_kind', 'organization_id', 'event_date'] -%}
    {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ '\n            and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
