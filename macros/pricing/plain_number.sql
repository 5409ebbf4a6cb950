{#- Column: a number of the price book's row `book`, from `decrypted.price` where it is encrypted. -#}
{% macro plain_number(column) -%}
    coalesce(book.{{ column }}, cast(decrypted.price ->> '{{ column }}' as numeric(20, 12))) as {{ column }}
{%- endmacro %}
