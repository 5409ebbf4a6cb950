{#- The time that dbt writes into snapshots, with its zone: dbt's own would be the wall clock of the
    session, by which an earlier state could seem to be the later one. -#}
{% macro postgres__snapshot_get_time() -%}
    {{ current_timestamp() }}
{%- endmacro %}
