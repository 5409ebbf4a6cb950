{#- The duration in milliseconds that stands for a bucket: the one whose relative distance to both ends is
    the same, 0.94 % (as DDSketch does it: Masson, Rim and Lee 2019). -#}
{% macro duration_of_bucket(bucket) -%}
    cast(
            case
                when {{ bucket }} < 0 then 0
                else 2 * power(cast(1.019 as numeric(4, 3)), {{ bucket }}) / (1 + 1.019)
            end as numeric(28, 3)
        )
{%- endmacro %}
