{#- Incremental strategy `replace_days`: the touched organization days are deleted whole and what the
    model returned for them is inserted; a day that became empty is gone. -#}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') %}
    delete from {{ arg_dict['target_relation'] }} as existing
    using ({{ pending_organization_days() }}) as touched
    where
        existing.organization_id = touched.organization_id
        and existing.metric_date = touched.metric_date;

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{%- endmacro %}
