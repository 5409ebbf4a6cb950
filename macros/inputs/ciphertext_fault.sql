{#- What is wrong with a row of a seed whose numbers may be encrypted, in words; empty when nothing is. A row holds its
    numbers or their ciphertext, and only an organization's own are ever encrypted. -#}
{% macro ciphertext_fault(row, numbers, required) -%}
    {%- set filled = [] -%}
    {%- for name in numbers if row[name] is not none -%}
        {%- do filled.append(name) -%}
    {%- endfor -%}
    {%- if row['ciphertext'] is none -%}
        {%- set missing = required | select('in', numbers) | reject('in', filled) | list -%}
        {{- return(missing[0] ~ ': blank, and must not be' if missing else '') -}}
    {%- endif -%}
    {%- if not modules.re.fullmatch('[0-9a-f]{8}:[A-Za-z0-9+/]+=*', row['ciphertext']) -%}
        {{- return('ciphertext: not what `warehouse prices encrypt` writes') -}}
    {%- endif -%}
    {%- set is_alone = row['organization_id'] is not none and not filled -%}
    {{- return('' if is_alone else 'ciphertext: only in a row of an organization, and in place of its numbers') -}}
{%- endmacro %}
