{#- Stops before the seed's table is touched when its file is not what its description says: other
    columns, cells that are not of their column's type, blank ones where a constraint wants a value, moments
    that cannot be right. Rows are counted as a spreadsheet does. -#}
{% macro refuse_wrong_seed() -%}
    {%- set types = model.config.column_types -%}
    {%- set table = load_agate_table() -%}
    {%- set faults = [] -%}
    {%- if table is undefined -%}
        {#- That is what Jinja makes of a reader that finds no first line. -#}
        {%- do faults.append('the file is empty; its first line must name the columns') -%}
    {%- else -%}
        {%- for name in types if name not in table.column_names -%}
            {%- do faults.append('the column ' ~ name ~ ' is missing') -%}
        {%- endfor -%}
        {%- for name in table.column_names if name not in types -%}
            {%- do faults.append('the column ' ~ name ~ ' is unknown or stands twice') -%}
        {%- endfor -%}
    {%- endif -%}

    {%- if not faults -%}
        {%- set required = [] -%}
        {%- for column in model.columns.values()
            if column.constraints | selectattr('type', 'equalto', 'not_null') | list -%}
            {%- do required.append(column.name) -%}
        {%- endfor -%}
        {#- These are blank where they are encrypted. -#}
        {%- set numbers = [] -%}
        {%- for name, type in types.items() if 'ciphertext' in types and type.startswith('numeric') -%}
            {%- do numbers.append(name) -%}
        {%- endfor -%}
        {%- set wrong = {} -%}
        {%- for name, type in types.items() -%}
            {%- for cell in table.columns[name].values_distinct() -%}
                {%- set is_required = name in required and name not in numbers -%}
                {%- set fault = seed_cell_fault(name, cell, type, is_required) -%}
                {%- if fault -%}
                    {%- do wrong.setdefault(name, {}).update({cell: fault}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set has_windows = not wrong and 'effective_from' in types and 'effective_until' in types -%}
        {%- for row in table.rows -%}
            {%- set place = 'row ' ~ (loop.index + 1) ~ ', ' -%}
            {%- for name, cells in wrong.items() if row[name] in cells -%}
                {%- do faults.append(place ~ name ~ ': ' ~ cells[row[name]]) -%}
            {%- endfor -%}
            {%- set fault = ciphertext_fault(row, numbers, required) if numbers -%}
            {%- if fault -%}
                {%- do faults.append(place ~ fault) -%}
            {%- endif -%}
            {%- if has_windows and row['effective_until']
                and moment_of(row['effective_until']) <= moment_of(row['effective_from']) -%}
                {%- do faults.append(
                    place ~ 'effective_until: ' ~ row['effective_until']
                    ~ ' is not later than effective_from, ' ~ row['effective_from']
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}

    {%- if faults -%}
        {%- set shown = faults[:20] -%}
        {%- if faults | length > 20 -%}
            {%- do shown.append('and ' ~ (faults | length - 20) ~ ' more') -%}
        {%- endif -%}
        {{ exceptions.raise_compiler_error(
            model.original_file_path ~ ' was not loaded. Its header is row 1.\n  '
            ~ shown | join('\n  ')
        ) }}
    {%- endif -%}
{%- endmacro %}
