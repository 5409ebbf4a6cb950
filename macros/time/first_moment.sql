{#- The first moment of a day in a named time zone. Midnight may come twice, when clocks go back over it, and
    then PostgreSQL takes the second: so count on from the moment before. -#}
{% macro first_moment(day, timezone) -%}
    (cast({{ day }} as timestamp) - interval '1 microsecond') at time zone {{ timezone }}
        + interval '1 microsecond'
{%- endmacro %}
