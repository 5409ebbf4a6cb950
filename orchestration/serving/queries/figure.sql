-- A figure as pages show it, and whether its parts add up to it.
with usage as (

    {{ figure_usage }}

),

parts as (

    {{ figure_parts }}

),

total as (

    select
        coalesce(sum(usage.tasks), 0) as tasks,
        sum(usage.amount_usd) as value_usd
    from usage

),

added as (

    select
        coalesce(sum(parts.tasks), 0) as tasks,
        sum(parts.amount_usd) as value_usd
    from parts

)

select
    %(figure)s as figure,
    total.value_usd,
    cast(total.tasks as bigint) as tasks,
    total.tasks = added.tasks and coalesce(total.value_usd, 0) = coalesce(added.value_usd, 0) as agrees,
    %(sql)s as sql,
    %(sources)s as sources
from total
cross join added
