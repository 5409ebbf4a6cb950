{#- The name under which the model at hand keeps its bookmark, in its unit tests as well. -#}
{% macro name_of_model() -%}
    {{ return(model.get('tested_node_unique_id', model.unique_id).split('.')[2]) }}
{%- endmacro %}
