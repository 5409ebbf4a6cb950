{#- At the start of a run: a table or view that stands in the schema of the marts, though the project builds it in
    another one by now, moves there as it is. Its rows stay, and views on it follow. -#}
{% macro move_relations() -%}
    {%- set marts = generate_schema_name('marts', none) -%}
    {%- set schemas = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.fqn[1] == 'marts' and node.schema != marts -%}
        {%- do schemas.update({node.alias: node.schema}) -%}
    {%- endfor -%}
    {%- set standing = run_query(
        "select relname from pg_catalog.pg_class where relnamespace = to_regnamespace('\"" ~ marts ~ "\"') "
        ~ "and relname in ('" ~ schemas | join("', '") ~ "') and relkind in ('r', 'v')"
    ).columns[0].values() -%}
    {%- for name in standing -%}
        {%- do adapter.create_schema(api.Relation.create(target.database, schemas[name])) -%}
        {%- call statement('move') -%}
            alter table "{{ marts }}"."{{ name }}" set schema "{{ schemas[name] }}"
        {%- endcall -%}
    {%- endfor -%}
    {%- if standing -%}
        {%- do adapter.commit() -%}
        {%- do refresh_relation_cache() -%}
    {%- endif -%}
{%- endmacro %}
