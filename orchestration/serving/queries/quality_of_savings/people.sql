-- Models are compared by what the whole organization did with them: people are not shown it.
select
    cast(null as text) as success_comparison,
    cast(null as bigint) as compared_tasks,
    cast(null as numeric) as total_savings_usd
where false
