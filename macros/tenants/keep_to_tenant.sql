{#- Statement, in the target `tenant`: a table that was just created takes no row of another organization, whatever a
    model forgets. -#}
{% macro keep_to_tenant(relation) -%}
    {%- if tenant_organizations() %}
    do $keep$
    begin
        alter table {{ relation }}
        add constraint rows_are_of_the_tenant check ({{ of_tenant() }});
    exception when undefined_column then
        null;
    end
    $keep$;
    {%- endif -%}
{%- endmacro %}
