{#- One bound of the Wilson score interval for a share, at 95 % (Wilson 1927): `sign` is - for the lower
    and + for the upper bound. NULL without trials. -#}
{% macro wilson_bound(successes, trials, sign) -%}
    {%- set z_squared = '3.841458820694124' -%}
    cast(
            (
                {{ successes }} + {{ z_squared }} / 2
                {{ sign }} sqrt(
                    {{ z_squared }} * (
                        cast({{ successes }} as numeric(28, 12))
                        * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0)
                        + {{ z_squared }} / 4
                    )
                )
            ) / (nullif({{ trials }}, 0) + {{ z_squared }})
            as numeric(13, 12)
        )
{%- endmacro %}
