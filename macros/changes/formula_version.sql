{#- The version of a rollup, kept with its bookmark: a hash of its SQL without comments and white space. Another one
    means that the formula changed, so that the rollup is read anew. The SQL of other models depends on what they
    have read, and is no version of theirs. -#}
{% macro formula_version() -%}
    {%- if config.get('incremental_strategy') == 'add' -%}
        {%- set code = modules.re.sub('--[^\n]*', '', model.compiled_code or '') -%}
        {{ return(local_md5('1' ~ modules.re.sub('\\s+', '', code))) }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}
