{#- Names of the columns of `provider_measures`, each with the type of its sums. -#}
{% macro provider_measure_names() -%}
    {{ return(dict(
        measure_names(),
        costed_tasks='bigint',
        scored_tasks='bigint',
        total_quality_score='numeric(28, 12)',
    )) }}
{%- endmacro %}
