{#- Seeds as dbt loads them, after every cell was checked: PostgreSQL would read a date by the settings of
    the session, round a number, and take NaN or a moment in 2062, which append-only files never lose. -#}
{% materialization seed, adapter='postgres' -%}
    {%- do refuse_wrong_seed() -%}
    {{ return(dbt.materialization_seed_default()) }}
{%- endmaterialization %}
