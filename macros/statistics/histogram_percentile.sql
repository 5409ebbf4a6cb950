{#- Percentile by nearest rank from the merged buckets of a histogram, within 1 %: of rows with a
    `duration_bucket`, the `timed_tasks` up to and with it (`reached_tasks`), and those of the group
    (`all_timed_tasks`). -#}
{% macro histogram_percentile(share) -%}
    {{ duration_of_bucket(
        'min(duration_bucket) filter (where reached_tasks >= ' ~ share ~ ' * all_timed_tasks)'
    ) }}
{%- endmacro %}
