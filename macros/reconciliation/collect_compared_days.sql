{#- Statements of a comparison of layers, after `open_changes`: list in `compared_days` the days of a unit that
    changed, each with the sums that it must have now: those that were compared last and what the log adds to
    them. What stands here of them is deleted, because they are compared again. `last` names the comparison of
    which the downstream sums count; `after` the models that are compared. -#}
{% macro collect_compared_days(unit, last, after) -%}
    {%- if compares_changes() -%}
    {%- set key = unit_columns(unit) -%}
    create temporary table compared_days on commit drop as
    with changes as (

        select
            {{ key | join(', ') }},
            {{ day_of('changes', unit) }} as metric_date,
            changes.sign,
            changes.sign * changes.total_tokens as total_tokens,
            changes.sign * changes.cost_usd as total_spend_usd
        from {{ changes_of('fct_task_executions', unit, after=after) }}

    ),

    changed_days as (

        select
            {{ key | join(', ') }},
            metric_date,
            sum(sign) as total_tasks,
            coalesce(sum(total_tokens), 0) as total_tokens,
            coalesce(sum(total_spend_usd), 0) as total_spend_usd
        from changes
        group by {{ key | join(', ') }}, metric_date

    )

    select
        changed_days.{{ key | join(', changed_days.') }},
        changed_days.metric_date,
        cast(changed_days.total_tasks + coalesce(last.downstream_count, 0) as bigint) as total_tasks,
        cast(changed_days.total_tokens + coalesce(last.downstream_tokens, 0) as numeric(28, 0))
            as total_tokens,
        cast(changed_days.total_spend_usd + coalesce(last.downstream_usd, 0) as numeric(28, 12))
            as total_spend_usd
    from changed_days
    left join {{ this }} as last
        on
            last.comparison = '{{ last }}'
            and {{ same_unit('changed_days', 'last', unit) }}
            and changed_days.metric_date = last.metric_date;

    analyze compared_days;

    delete from {{ this }} as known
    using compared_days
    where
        {{ same_unit('known', 'compared_days', unit) }}
        and known.metric_date = compared_days.metric_date;
    {%- endif -%}
{%- endmacro %}
