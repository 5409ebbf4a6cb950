{#- Bucket of a duration in a logarithmic histogram: bucket i holds durations above 1.019^(i - 1) and up to
    1.019^i milliseconds, -1 those without a length. -#}
{% macro duration_bucket(duration_ms) -%}
    cast(
            case
                when {{ duration_ms }} <= 0 then -1
                else ceil(ln(cast({{ duration_ms }} as double precision)) / ln(cast(1.019 as double precision)))
            end as integer
        )
{%- endmacro %}
