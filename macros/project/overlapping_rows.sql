{#- Query: pairs of rows of a seed that have one scope, claim the same moment and were recorded at the same time, so
    that nothing says which of them corrects the other. -#}
{% macro overlapping_rows(book, scope) -%}
select
    {%- for column in scope %}
    earlier.{{ column }},
    {%- endfor %}
    earlier.effective_from,
    later.effective_from as overlapping_from
from {{ book }} as earlier
inner join {{ book }} as later
    on
        {%- for column in scope %}
        earlier.{{ column }} is not distinct from later.{{ column }} and
        {%- endfor %}
        earlier.recorded_at = later.recorded_at
        and earlier.effective_from < later.effective_from
        and coalesce(earlier.effective_until > later.effective_from, true)
{%- endmacro %}
