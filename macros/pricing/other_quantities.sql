{#- What a usage holds beside the units of the price book's own columns: the kinds of tokens that have prices of
    their own, and `other_usage`, as one object of name and quantity; NULL when there is nothing. -#}
{% macro other_quantities() -%}
    {%- set parts = {} -%}
    {%- for part in token_parts() -%}
        {%- do parts.update({part: 'nullif(' ~ part ~ ', 0)'}) -%}
    {%- endfor -%}
    case
            when coalesce({{ parts.values() | join(', ') }}) is not null or other_usage is not null
                then {{ json_merge(json_without_nulls(json_object(parts)), 'other_usage') }}
        end
{%- endmacro %}
