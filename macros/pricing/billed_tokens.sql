{#- Columns: the tokens of a usage in parts that do not overlap. Without a split, all tokens count as
    uncached input; only a price that is the same for every token applies to them. -#}
{% macro billed_tokens() -%}
    case
            when input_tokens is not null and output_tokens is not null
                then
                    input_tokens
                    - coalesce(cached_input_tokens, 0)
                    - coalesce(cache_write_tokens, 0)
            else tokens_used
        end as billed_uncached_input_tokens,
        case
            when input_tokens is not null and output_tokens is not null then cached_input_tokens
        end as billed_cached_input_tokens,
        case
            when input_tokens is not null and output_tokens is not null then cache_write_tokens
        end as billed_cache_write_tokens,
        case
            when input_tokens is not null and output_tokens is not null then output_tokens
        end as billed_output_tokens
{%- endmacro %}
