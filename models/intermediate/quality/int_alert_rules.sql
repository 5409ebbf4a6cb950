-- Grain: one row per rule that alerts speak of beside those of `warehouse check`; where a rule
-- stands in both, alerts come from here, because they say of whom it is broken.

select
    rules.rule,
    rules.severity,
    rules.unit
from (
    values
    ('few_tasks_fail', 'warning', 'percent'),
    ('most_tasks_succeed', 'critical', 'percent'),
    ('few_tasks_cost_more_than_their_baseline', 'warning', 'percent'),
    ('spend_is_below_budget_notice', 'info', 'usd'),
    ('spend_is_below_budget_warning', 'warning', 'usd'),
    ('spend_is_below_budget', 'critical', 'usd'),
    ('spend_will_stay_below_budget', 'warning', 'usd'),
    ('landing_is_fresh', 'warning', 'hours'),
    ('fetched_prices_are_fresh', 'warning', 'hours'),
    ('builds_succeed', 'critical', 'nodes')
) as rules (rule, severity, unit)
