{#- Tells dbt which tables and views other runs have created and dropped since it looked, which it does
    before the first hook. -#}
{% macro refresh_relation_cache() -%}
    {%- for schema, nodes in graph.nodes.values() | groupby('schema') -%}
        {%- set types = {} -%}
        {%- for row in list_relations_without_caching(
            api.Relation.create(database=target.database, schema=schema)
        ).rows -%}
            {%- do types.update({row['name']: row['type']}) -%}
        {%- endfor -%}
        {%- for name in nodes | map(attribute='alias') | unique -%}
            {%- set known = adapter.get_relation(target.database, schema, name) -%}
            {%- if known is not none and known.type != types.get(name) -%}
                {%- do adapter.cache_dropped(known) -%}
                {%- set known = none -%}
            {%- endif -%}
            {%- if known is none and name in types -%}
                {%- do adapter.cache_added(api.Relation.create(
                    target.database, schema, name, type=types[name]
                )) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
