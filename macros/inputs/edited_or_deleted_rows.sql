{#- Query: the rows of a seed that no longer are what its snapshot saw first, with a sentence about
    each. Later states of the history do not count, so that a restored row is in order again. Moments
    are written in UTC, whatever the settings of the session are, and numbers that are encrypted not at all. -#}
{% macro edited_or_deleted_rows(
    book, history, key, numbers, texts,
    moments=['effective_from', 'effective_until', 'recorded_at']
) -%}
{%- set written = {} -%}
{%- set key_texts = [] -%}
{%- for column in key + numbers + texts -%}
    {%- for name in (column, 'states.' ~ column, 'book.' ~ column) -%}
        {%- do written.update({name:
            utc_text(name) ~ " || '+00'" if column in moments
            else 'cast(trim_scale(' ~ name ~ ') as text)' if column in numbers
            else 'cast(' ~ name ~ ' as text)'
        }) -%}
    {%- endfor -%}
    {%- if column in key -%}
        {%- do key_texts.append(written[column]) -%}
    {%- endif -%}
{%- endfor -%}
with plain_book as (

    select
        plain.*,
        to_jsonb(book) ->> 'ciphertext' is not null as is_encrypted
    from {{ book }} as book
    cross join lateral {{ decrypted_row('book', book) }} as plain

),

plain_history as (

    select
        plain.*,
        to_jsonb(history) ->> 'ciphertext' is not null as is_encrypted
    from {{ history }} as history
    cross join lateral {{ decrypted_row('history', history) }} as plain

),

book as (

    select
        {{ surrogate_key(key_texts) }} as row_key,
        is_encrypted,
        {{ (numbers + texts) | join(', ') }}
    from plain_book

),

states as (

    select
        {{ surrogate_key(key_texts) }} as row_key,
        is_encrypted,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by dbt_valid_from asc, dbt_scd_id asc
        ) as state,
        {{ (key + numbers + texts) | join(', ') }}
    from plain_history

),

compared as (

    select
        book.row_key is null as is_deleted,
        concat_ws(
            ', '
            {%- for column in key %},
            '{{ column }} ' || {{ written['states.' ~ column] }}
            {%- endfor %}
        ) as row_name,
        concat_ws(
            ', '
            {%- for column in numbers + texts %},
            case
                when states.{{ column }} is not distinct from book.{{ column }} then null
                {%- if column in numbers %}
                when states.is_encrypted or book.is_encrypted then '{{ column }}, which is encrypted'
                {%- endif %}
                else
                    '{{ column }} from '
                    || coalesce({{ written['states.' ~ column] }}, 'blank')
                    || ' to '
                    || coalesce({{ written['book.' ~ column] }}, 'blank')
            end
            {%- endfor %}
        ) as changes
    from states
    left join book on states.row_key = book.row_key
    where states.state = 1

)

select row_name || case when is_deleted then ': deleted' else ': edited, ' || changes end as finding
from compared
where is_deleted or changes <> ''
{%- endmacro %}
