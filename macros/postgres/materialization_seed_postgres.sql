{#- Seeds as dbt loads them, after every cell was checked: PostgreSQL would read a date by the settings of
    the session, round a number, and take NaN or a moment in 2062, which append-only files never lose. A build
    leaves a file alone that stands in its table already; `dbt seed` loads it. -#}
{% materialization seed, adapter='postgres' -%}
    {%- set standing = run_query(
        "select obj_description(to_regclass('" ~ this ~ "'), 'pg_class')"
    ).rows[0][0] -%}
    {%- if flags.WHICH == 'build' and not flags.FULL_REFRESH and standing == described(model) -%}
        {%- do store_result('agate_table', response='UNCHANGED') -%}
        {%- call noop_statement('main', 'UNCHANGED') -%}{%- endcall -%}
        {{ return({'relations': [this.incorporate(type='table')]}) }}
    {%- endif -%}
    {%- do refuse_wrong_seed() -%}
    {{ return(dbt.materialization_seed_default()) }}
{%- endmaterialization %}
