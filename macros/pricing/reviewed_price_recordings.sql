{#- The moments of the var `reviewed_price_recordings` as an array: what was recorded in the price book at one
    of them has been looked at and is not worth a warning again. -#}
{% macro reviewed_price_recordings() -%}
    cast(
            array[
                {%- for moment in var('reviewed_price_recordings') %}'{{ moment }}'{{ ', ' if not loop.last }}{% endfor -%}
            ] as timestamptz []
        )
{%- endmacro %}
