{#- The moment at which the hour of a named time zone began that a moment lies in. An hour that a clock
    change repeats begins at two moments, and one of a zone with half hours in the middle of one in UTC. -#}
{% macro local_hour(moment, timezone) -%}
    {{ moment }} - (
            {{ moment }} at time zone {{ timezone }}
            - date_trunc('hour', {{ moment }} at time zone {{ timezone }})
        )
{%- endmacro %}
