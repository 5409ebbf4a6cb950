{#- Columns: the tokens of a usage in parts that do not overlap; the parts of `token_parts` are priced by
    themselves. Without a split, all tokens count as uncached input; only a price that is the same for every
    token applies to them. A total that equals the input leaves no output, as for embeddings. -#}
{% macro billed_tokens() -%}
    {%- set is_split -%}
    input_tokens is not null and (output_tokens is not null or tokens_used = input_tokens)
    {%- endset -%}
    case
            when {{ is_split }}
                then
                    input_tokens
                    - coalesce(cached_input_tokens, 0)
                    - coalesce(cache_write_tokens, 0)
                    - coalesce(audio_input_tokens, 0)
                    - coalesce(image_input_tokens, 0)
            else tokens_used
        end as billed_uncached_input_tokens,
        case when {{ is_split }} then cached_input_tokens end as billed_cached_input_tokens,
        case
            when {{ is_split }} then cache_write_tokens - coalesce(cache_write_1h_tokens, 0)
        end as billed_cache_write_tokens,
        case
            when {{ is_split }}
                then
                    coalesce(output_tokens, 0)
                    - coalesce(audio_output_tokens, 0)
                    - coalesce(image_output_tokens, 0)
        end as billed_output_tokens
{%- endmacro %}
