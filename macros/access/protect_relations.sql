{#- At the start of a run: whatever stands is protected as it should be now, also what an older version built and
    where roles were created since. What is right already is left alone. -#}
{% macro protect_relations() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'test') -%}
    {%- call statement('protect') -%}
        do $protect$
        begin
            {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot', 'test') %}
            {%- set relation = api.Relation.create(target.database, node.schema, node.alias) %}
            if to_regclass('{{ relation }}') is not null then
                perform {{ protect(relation, node) }};
            end if;
            {%- endfor %}
            perform access.open_schemas();
        end
        $protect$;
        {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot', 'test') %}
        {{- keep_to_tenant(api.Relation.create(target.database, node.schema, node.alias)) }}
        {%- endfor %}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
