{#- Incremental strategy `replace_days`: the touched days are deleted whole and what the model returned
    for them is inserted; a day that became empty is gone. The model's first hooks have listed the days in
    `touched_days`; its meta `unit` says whose days they are, an organization's unless told otherwise. -#}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
    {{ replace_touched(arg_dict, 'touched_days', ['metric_date']) }}
{%- endmacro %}
