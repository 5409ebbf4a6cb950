{#- USD for a duration at a rate per minute and a factor, to 12 places, half away from zero. The division comes last
    and keeps 18 places, enough to tell every fraction of a minute from half a place: the one
    rounding is right. -#}
{% macro minute_cost_usd(duration_ms, usd_per_minute, factor) -%}
    cast(coalesce({{ duration_ms }} * {{ usd_per_minute }} * {{ factor }} * 1.000000 / 60000, 0) as numeric(38, 12))
{%- endmacro %}
