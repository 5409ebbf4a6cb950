{#- The description of a relation as it stands in the database; that of a seed ends with the file that was loaded and a
    version of it and of what is said about its columns. -#}
{% macro described(model) -%}
    {%- set description = model.description | trim -%}
    {%- if model.resource_type == 'seed' -%}
        {%- set version = local_md5(tojson([model.checksum, model.columns, model.config], sort_keys=true)) -%}
        {%- set description = description ~ '\n\nLoaded from ' ~ model.original_file_path ~ ', version ' ~ version ~ '.' -%}
    {%- endif -%}
    {{ return(description) }}
{%- endmacro %}
