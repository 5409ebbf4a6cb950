{#- Scalar subquery: the version of everything that decides what the facts show of an execution, kept with their
    bookmark: a hash of the views between the landed events and them, as the database holds these. Another one
    means that a rule changed, so that all executions are computed again. Moments are left out, because the var
    `now` is one, and lengths of time, which every session writes as it likes. -#}
{% macro pricing_version() -%}
    (
        select
            md5(
                string_agg(
                    regexp_replace(
                        pg_get_viewdef(views.view),
                        '''[^'']*''::(timestamp with time zone|interval)|CURRENT_TIMESTAMP', '', 'g'
                    ),
                    '' order by views.place
                )
            )
        from unnest(
            array[
                {%- for name in [
                    'int_executions_priced', 'int_execution_usages', 'int_latest_executions',
                    'int_execution_decisions', 'int_organization_versions',
                    'stg_platform__task_executions', 'stg_platform__routing_decisions',
                    'stg_platform__organizations',
                ] %}
                cast('{{ ref(name) }}' as regclass){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) with ordinality as views (view, place)
    )
{%- endmacro %}
