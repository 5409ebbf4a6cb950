{#- Fails with every row that breaks a rule, and says which: an expression that is false or unknown; a key that
    stands more than once, missing parts being equal; and of rows that hold from one moment until another,
    two that claim the same moment and were recorded together, so that nothing says which of them corrects
    the other. Rules hold for numbers that are encrypted as well, and a row is told as it stands. -#}
{% test follows_rules(model, key, rules={}) %}

{% for rule, expression in rules.items() %}
select
    '{{ rule }}' as broken_rule,
    cast(to_jsonb(looked_at) as text) as broken_row
from {{ model }} as looked_at
where (
    select {{ expression }}
    from {{ decrypted_row('looked_at', model) }} as plain
) is not true
union all
{% endfor %}
{% if 'effective_from' in key %}
select
    'do not overlap when recorded together' as broken_rule,
    cast(to_jsonb(earlier) as text) as broken_row
from {{ model }} as earlier
inner join {{ model }} as later
    on
        {% for column in key if column not in ('effective_from', 'recorded_at') %}
        earlier.{{ column }} is not distinct from later.{{ column }} and
        {% endfor %}
        earlier.recorded_at = later.recorded_at
        and earlier.effective_from < later.effective_from
        and coalesce(earlier.effective_until > later.effective_from, true)
union all
{% endif %}
select
    'stand once' as broken_rule,
    cast(to_jsonb(repeated) as text) as broken_row
from (
    select {{ key | join(', ') }}
    from {{ model }}
    group by {{ key | join(', ') }}
    having count(*) > 1
) as repeated

{% endtest %}
