{#- Statement: the index that finds the periods of an organization, and of one of its users, none included. As
    for `index_unit_days`, dbt's own configuration knows no expressions and only a new table needs it. -#}
{% macro index_user_periods() -%}
    {%- if not is_incremental() -%}
    create index "{{ 'user_periods_' ~ invocation_id }}" on {{ this }}
    (organization_id, metric_date, aggregation_period, {{ known('', 'user_id') }});
    {%- endif -%}
{%- endmacro %}
