{#- At the start of a run: a var that is a time, a day or a list of organizations must read the same in
    every session, and days in the wrong order would compute nothing again. -#}
{% macro refuse_wrong_vars() -%}
    {%- set types = {
        'now': 'timestamptz',
        'as_of': 'timestamptz',
        'rebuild_from': 'date',
        'rebuild_until': 'date',
        'calendar_first_day': 'date',
        'calendar_last_day': 'date',
    } -%}
    {%- set faults = [] -%}
    {%- for name, type in types.items() if var(name) -%}
        {%- set fault = input_fault(var(name) | string, type) -%}
        {%- if fault -%}
            {%- do faults.append(name ~ ': ' ~ fault) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set organizations = var('rebuild_organizations') -%}
    {%- if organizations is string or organizations is not sequence -%}
        {%- do faults.append(
            "rebuild_organizations: '" ~ organizations ~ "' is not a list of UUIDs: "
            ~ '[5b0c4e9a-0d0e-4d7e-9d53-0a3c1f6c00aa]'
        ) -%}
    {%- else -%}
        {%- for organization in organizations -%}
            {%- set fault = input_fault(organization | string, 'uuid') -%}
            {%- if fault -%}
                {%- do faults.append('rebuild_organizations: ' ~ fault) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}

    {%- if not faults and var('rebuild_from') and var('rebuild_until')
        and var('rebuild_from') | string >= var('rebuild_until') | string -%}
        {%- do faults.append(
            'rebuild_until: ' ~ var('rebuild_until') ~ ' is not later than rebuild_from, '
            ~ var('rebuild_from') ~ '; it is the first day that is not computed again'
        ) -%}
    {%- endif -%}
    {%- if faults -%}
        {{ exceptions.raise_compiler_error(
            'Nothing was built, because of the vars:\n  ' ~ faults | join('\n  ')
        ) }}
    {%- endif -%}
{%- endmacro %}
