{#- At the start of a run that computes again what stands: record who asked for it, and for what. -#}
{% macro record_rebuild() -%}
    {%- if execute and flags.WHICH in ('build', 'run') and (flags.FULL_REFRESH or is_rebuild()) -%}
    {%- set asked = {'schema': target.schema, 'invocation_id': invocation_id, 'full_refresh': flags.FULL_REFRESH} -%}
    {%- for name in ['rebuild_from', 'rebuild_until', 'rebuild_organizations'] if var(name) -%}
        {%- do asked.update({name: var(name)}) -%}
    {%- endfor -%}
    {%- set models = [] -%}
    {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
        {%- do models.append(unique_id.split('.') | last) -%}
    {%- endfor -%}
    {%- call statement('rebuild') -%}
        select
            audit.record(
                'rebuild',
                resource_type => 'models',
                resource_id => {{ quoted(models | sort | join(' ') if models | length < 10 else models | length ~ ' models') }},
                details => cast({{ quoted(tojson(asked)) }} as jsonb)
            )
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
