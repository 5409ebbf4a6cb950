{#- Incremental strategy `replace_days`: the touched organization days are deleted whole and what the
    model returned for them is inserted; a day that became empty is gone. The days are those that the
    facts changed, or what the macro returns that the model names in its meta `touched_days`. -#}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') %}
    {%- set touched_days = (config.get('meta') or {}).get('touched_days', 'pending_organization_days') %}
    delete from {{ arg_dict['target_relation'] }} as existing
    using ({{ context[touched_days]() }}) as touched
    where
        existing.organization_id = touched.organization_id
        and existing.metric_date = touched.metric_date;

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{%- endmacro %}
