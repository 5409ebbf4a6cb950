{#- Condition: a moment lies in hours of the week that recur, in UTC. The row says on which ISO weekdays they
    begin, at which minute of the day, and how many minutes they last; hours that pass midnight belong to the day on
    which they began. -#}
{% macro in_recurring_hours(moment, row) -%}
    {%- set since_begin -%}
    ({{ moment }} at time zone 'UTC' - {{ row }}.begin_minute * interval '1 minute')
    {%- endset -%}
    (
        case
            when {{ row }}.first_weekday <= {{ row }}.last_weekday
                then
                    extract(isodow from {{ since_begin }})
                    between {{ row }}.first_weekday and {{ row }}.last_weekday
            else
                extract(isodow from {{ since_begin }}) >= {{ row }}.first_weekday
                or extract(isodow from {{ since_begin }}) <= {{ row }}.last_weekday
        end
        and extract(hour from {{ since_begin }}) * 60 + extract(minute from {{ since_begin }})
        < {{ row }}.length_minutes
    )
{%- endmacro %}
