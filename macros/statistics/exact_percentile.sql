{#- Percentile by nearest rank: the smallest duration that at least this share of the durations of a group
    does not exceed. NULL without durations. -#}
{% macro exact_percentile(share, duration_ms) -%}
    cast(
            percentile_disc({{ share }}) within group (order by {{ duration_ms }})
            as numeric(28, 3)
        )
{%- endmacro %}
