{#- A set: a text and what is left of it without each of its characters. Two texts that share one differ in one
    letter at most, which is missing, too many, another one, or has changed places with its neighbour. -#}
{% macro without_one_letter(text) -%}
    (
        select left({{ text }}, position - 1) || substr({{ text }}, position + 1)
        from generate_series(1, length({{ text }}) + 1) as positions (position)
    )
{%- endmacro %}
