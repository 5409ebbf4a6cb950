{#- At the start of a run: `--empty` would build views and price tables without rows and could mark
    inputs as processed that nothing has read. -#}
{% macro refuse_empty_run() -%}
    {%- if flags.EMPTY -%}
        {{ exceptions.raise_compiler_error(
            "--empty does not work in this project: its models record what they have read. "
            ~ "Unit tests run inside `dbt build`; to try the project, build it on an empty database."
        ) }}
    {%- endif -%}
{%- endmacro %}
