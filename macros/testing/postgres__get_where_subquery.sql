{#- What a generic test looks at: dbt's own, but a `where` of `in sweeps` means all rows when the var `sweep`
    is set and none otherwise. For keys of views that group large tables, where they hold by construction. -#}
{% macro postgres__get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where == 'in sweeps' -%}
        {%- set where = 'true' if var('sweep') else 'false' -%}
    {%- endif -%}
    {%- if where -%}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as looked_at') }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
