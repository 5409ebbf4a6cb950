{#- At the end of a run: prints the first rows that each failed data test has stored, because dbt says
    only how many there are, and for a warning the query that lists them. Also under --quiet. -#}
{% macro show_failures(results) -%}
    {%- for result in results
        if result.node.resource_type == 'test'
        and result.status in ('fail', 'warn')
        and result.node.relation_name -%}
        {%- set listed = 'select * from ' ~ result.node.relation_name -%}
        {%- do print(
            result.status | upper ~ ' ' ~ result.node.name ~ ', rows: ' ~ result.failures
            ~ '; ' ~ listed
        ) -%}
        {%- if result.status == 'fail' -%}
            {%- for row in run_query(listed ~ ' limit 5').rows -%}
                {%- set cells = [] -%}
                {%- for column, value in row.items() if value is not none -%}
                    {%- do cells.append((column ~ ' ' if row | length > 1 else '') ~ value) -%}
                {%- endfor -%}
                {%- do print('  ' ~ cells | join(', ')) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
