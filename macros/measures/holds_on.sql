{#- Condition that a version in `dim_user_versions` holds for a user's row on a day. -#}
{% macro holds_on(versions, relation, day) -%}
    {{ relation }}.organization_id = {{ versions }}.organization_id
            and {{ relation }}.user_id = {{ versions }}.user_id
            and {{ day }} >= {{ versions }}.valid_from
            and {{ day }} < coalesce({{ versions }}.valid_until, cast('infinity' as date))
{%- endmacro %}
