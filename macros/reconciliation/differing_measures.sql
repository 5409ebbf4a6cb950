{#- Names of the measures that two sides do not share exactly, with commas between; NULL when they share all. A side
    that is missing shares none. -#}
{% macro differing_measures(upstream, downstream, measures) -%}
    nullif(
            concat_ws(
                ', ',
                {%- for measure in measures %}
                case
                    when {{ upstream }}.{{ measure }} is distinct from {{ downstream }}.{{ measure }}
                        then '{{ measure }}'
                end{{ ',' if not loop.last }}
                {%- endfor %}
            ),
            ''
        )
{%- endmacro %}
