{#- What is wrong with a text that shall become a value of a type, in words; empty when nothing is. Only
    what reads the same in every session passes, and only a number that the type keeps to the last digit. -#}
{% macro input_fault(text, type) -%}
    {%- set re = modules.re -%}
    {%- set parts = re.fullmatch('([a-z ]+?) *(?:\\( *([0-9]+) *, *([0-9]+) *\\))?', type | lower) -%}
    {%- set base, digits, places = parts.groups() if parts else (type, none, none) -%}
    {%- set largest = {'smallint': 32767, 'integer': 2147483647, 'bigint': 9223372036854775807}[base] -%}

    {%- if base == 'text' -%}
        {%- set fits = text == text.strip() and not re.search('[\\x00-\\x1f\\x7f]', text) -%}
        {%- set expected = 'text on one line without blanks around it (or a quote is not closed)' -%}
    {%- elif base == 'timestamptz' -%}
        {%- set moment = moment_of(text) -%}
        {%- set fits = moment and 2000 <= moment.year <= 2100 -%}
        {%- set expected = 'a time in ISO 8601 with its offset from UTC, from 2000 to 2100: '
            ~ '2026-02-01T00:00:00Z' -%}
    {%- elif base == 'date' -%}
        {%- set moment = moment_of(text ~ 'T00:00Z') -%}
        {%- set fits = moment and 2000 <= moment.year <= 2100 -%}
        {%- set expected = 'a day in ISO 8601, from 2000 to 2100: 2026-02-01' -%}
    {%- elif base == 'numeric' and digits -%}
        {%- set whole_digits = digits | int - places | int -%}
        {%- set number = re.fullmatch('0*([0-9]*)(?:\\.([0-9]*?)0*)?', text) -%}
        {%- set fits = number and re.fullmatch('[0-9]+(\\.[0-9]+)?', text)
            and number.group(1) | length <= whole_digits
            and (number.group(2) or '') | length <= places | int -%}
        {%- set expected = 'a number from 0 on in plain digits, at most ' ~ whole_digits
            ~ ' before the point and ' ~ places ~ ' after it: 0.15' -%}
    {%- elif largest -%}
        {%- set fits = re.fullmatch('[0-9]{1,19}', text) and text | int <= largest -%}
        {%- set expected = 'a whole number from 0 to ' ~ largest -%}
    {%- elif base == 'uuid' -%}
        {%- set fits = re.fullmatch('[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', text) -%}
        {%- set expected = 'a UUID: 5b0c4e9a-0d0e-4d7e-9d53-0a3c1f6c00aa' -%}
    {%- elif base == 'boolean' -%}
        {%- set fits = text in ('true', 'false') -%}
        {%- set expected = 'true or false' -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            'The macro input_fault does not know how to check an input of type ' ~ type ~ '.'
        ) }}
    {%- endif -%}
    {{- return('' if fits else "'" ~ text | truncate(60) ~ "' is not " ~ expected) -}}
{%- endmacro %}
