{#- The joins that look a usage's model up in the price book, for `price_scope_columns`. `prefix` as in
    `price_joins`; it also stands before the imports `price_names` and `price_providers`. -#}
{% macro price_scope_joins(usage, prefix) -%}
    {%- set names, providers = prefix ~ 'price_names', prefix ~ 'price_providers' -%}
    left join {{ names }}
        on
            {{ usage }}.{{ prefix }}provider = {{ names }}.provider
            and {{ usage }}.{{ prefix }}model = {{ names }}.name
    left join {{ providers }} on {{ usage }}.{{ prefix }}provider = {{ providers }}.provider
{%- endmacro %}
