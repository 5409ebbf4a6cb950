{#- A moment in ISO 8601 with an offset as a datetime in UTC, to compare with others; none when it is not
    written so, or no calendar has it. -#}
{% macro moment_of(text) -%}
    {%- set parts = modules.re.fullmatch(
        '([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\\.([0-9]{1,6}))?)?'
        ~ '(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)', text
    ) -%}
    {%- if not parts -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set year, month, day, hour, minute, second = parts.groups('0')[:6] | map('int') -%}
    {%- set fraction, sign, offset_hours, offset_minutes = parts.groups('0')[6:] -%}
    {%- set is_leap_year = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) -%}
    {%- set month_days = [0, 31, 29 if is_leap_year else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] -%}
    {%- if not (1900 <= year and 1 <= month <= 12 and 1 <= day <= month_days[month])
        or hour > 23 or minute > 59 or second > 59
        or offset_hours | int > 15 or offset_minutes | int > 59 -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set written = modules.datetime.datetime(
        year, month, day, hour, minute, second, fraction.ljust(6, '0') | int
    ) -%}
    {%- set offset = modules.datetime.timedelta(
        hours=offset_hours | int, minutes=offset_minutes | int
    ) -%}
    {{- return(written + offset if sign == '-' else written - offset) -}}
{%- endmacro %}
