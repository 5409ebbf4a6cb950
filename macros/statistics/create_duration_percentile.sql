{#- Statements: the aggregate `duration_percentile(duration_bucket, timed_tasks, share)` beside the model's
    table, a percentile over whichever days of a histogram a query selects.

    What it has seen is kept as text: the share, then `bucket:tasks` for every row. Appending to a text
    copies memory and nothing else, where an array would be taken apart and put together for every row.
    When the text grows over a multiple of 16,384 bytes, its buckets are added up and it is padded to
    the next multiple, so that thousands of rows go by before the next time.

    Bodies that are parsed here, or have a search path of their own, mean the same for every caller. Only
    with a new table, as indexes: nothing here changes from build to build. -#}
{% macro create_duration_percentile() -%}
{%- if not is_incremental() -%}
{%- set schema = adapter.quote(this.schema) -%}
{%- set chunk = 16384 -%}
    create or replace function {{ schema }}.duration_percentile_buckets(seen text)
    returns table (share numeric, duration_bucket integer, timed_tasks numeric)
    language sql immutable parallel safe
    begin atomic
        select
            cast(split_part(seen, ' ', 1) as numeric) as share,
            cast(split_part(entry, ':', 1) as integer) as duration_bucket,
            sum(cast(split_part(entry, ':', 2) as numeric)) as timed_tasks
        from string_to_table(seen, ' ') as entry
        where entry like '%:%'
        group by 2;
    end;

    create or replace function {{ schema }}.duration_percentile_compact(seen text)
    returns text
    language sql immutable parallel safe
    begin atomic
        with added_up as (
            select
                split_part(seen, ' ', 1)
                || string_agg(
                    ' ' || cast(duration_bucket as text) || ':' || cast(timed_tasks as text), ''
                )
                || ' ' as entries
            from {{ schema }}.duration_percentile_buckets(seen)
        )
        select rpad(entries, (octet_length(entries) / {{ chunk }} + 1) * {{ chunk }}, '-')
        from added_up;
    end;

    create or replace function {{ schema }}.duration_percentile_append(
        seen text, duration_bucket integer, timed_tasks bigint, share numeric
    )
    returns text
    language plpgsql immutable parallel safe
    set search_path = ''
    as $append$
    declare
        entry text := ' ' || cast(duration_bucket as text) || ':' || cast(timed_tasks as text);
    begin
        if starts_with(seen, cast(trim_scale(share) as text) || ' ') is not true then
            if (share between 0 and 1) is not true then
                raise numeric_value_out_of_range using message =
                    'the share of a duration_percentile must be between 0 and 1, not '
                    || coalesce(cast(share as text), 'NULL');
            end if;
            if seen is not null then
                raise invalid_parameter_value using message =
                    'the share of a duration_percentile must be the same for all rows of a group';
            end if;
            if timed_tasks <> 0 then
                return cast(trim_scale(share) as text) || entry;
            end if;
            return null;
        end if;
        if entry is null or timed_tasks = 0 then
            return seen;
        end if;
        if
            octet_length(seen) / {{ chunk }}
            < (octet_length(seen) + octet_length(entry)) / {{ chunk }}
        then
            return {{ schema }}.duration_percentile_compact(seen || entry);
        end if;
        return seen || entry;
    end
    $append$;

    create or replace function {{ schema }}.duration_percentile_merge(seen text, elsewhere text)
    returns text
    language plpgsql immutable strict parallel safe
    set search_path = ''
    as $merge$
    begin
        if split_part(seen, ' ', 1) <> split_part(elsewhere, ' ', 1) then
            raise invalid_parameter_value using message =
                'the share of a duration_percentile must be the same for all rows of a group';
        end if;
        return {{ schema }}.duration_percentile_compact(seen || ' ' || elsewhere);
    end
    $merge$;

    create or replace function {{ schema }}.duration_percentile_value(seen text)
    returns numeric
    language sql immutable strict parallel safe
    begin atomic
        with ranked_durations as (
            select
                *,
                {{ reached_tasks(['share']) }}
            from {{ schema }}.duration_percentile_buckets(seen)
        )
        select {{ histogram_percentile('share') }} from ranked_durations;
    end;

    create or replace aggregate {{ schema }}.duration_percentile(
        duration_bucket integer, timed_tasks bigint, share numeric
    ) (
        stype = text,
        sfunc = {{ schema }}.duration_percentile_append,
        combinefunc = {{ schema }}.duration_percentile_merge,
        finalfunc = {{ schema }}.duration_percentile_value,
        parallel = safe
    )
{%- endif -%}
{%- endmacro %}
