{#- Rows: each comparison of two imports that have the same key. A comparison has an `upstream`, a `downstream`, the
    `measures` that both must share, and which of them stand as count, tokens and USD. -#}
{% macro compare_sides(comparisons, key) -%}
    {%- for name, sides in comparisons.items() %}
    {%- set upstream, downstream = sides['upstream'], sides['downstream'] %}
    select
        '{{ name }}' as comparison,
        {%- for column in key %}
        coalesce({{ upstream }}.{{ column }}, {{ downstream }}.{{ column }}) as {{ column }},
        {%- endfor %}
        {%- for column, type in {'count': 'bigint', 'tokens': 'numeric(28, 0)', 'usd': 'numeric(28, 12)'}.items() %}
        {%- for side, relation in {'upstream': upstream, 'downstream': downstream}.items() %}
        cast({{ relation ~ '.' ~ sides[column] if sides[column] else 'null' }} as {{ type }})
            as {{ side }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        {{ differing_measures(upstream, downstream, sides['measures']) }} as differing_measures
    from {{ upstream }}
    full outer join {{ downstream }}
        on
            {%- for column in key %}
            {{ 'and ' if not loop.first }}{{ known(upstream, column) }} = {{ known(downstream, column) }}
            {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
