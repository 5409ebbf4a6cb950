"""The rules, by layer: what must hold, how grave it is if not, and which limit it has.

The folder `queries` has a folder for each suite: `batch.sql` returns the rows that the suite looks
at, and a file for each rule, with `{batch}` for those, returns the ids of the rows that break it.
Limits are vars of `dbt_project.yml`, which queries read from `intermediate.int_quality_limits`.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib import resources


class Severity(StrEnum):
    """How grave it is that a rule is broken; only what is critical makes `warehouse check` fail."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Rule:
    """Something that must hold.

    Attributes:
        name: Unique over all suites; also the name of its query.
        severity: How grave it is if not.
        description: The rule as a sentence.
        limit: The column of `int_quality_limits` that the query reads; None when it has no limit.
        constraints: Those of the suite's table that promise the same. As long as all of them stand,
            the server has looked at every row that was written, and nobody looks again.
    """

    name: str
    severity: Severity
    description: str
    limit: str | None = None
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """The rules of one layer.

    Attributes:
        name: As in `warehouse check --suite`; also the name of the folder with its queries.
        changed: Condition for the rows that builds have changed, about the columns of the batch,
            with `{build}` for the number of the last build that was checked and `{loads}` for an
            array of the loads processed since; None when all rows are always looked at.
        rules: What must hold.
        table: Where the constraints of the rules stand; None when no rule names any.
    """

    name: str
    changed: str | None
    rules: tuple[Rule, ...]
    table: str | None = None

    @property
    def batch(self) -> str:
        """Query of all rows of the layer."""
        return self._query("batch")

    def query_of(self, rule: Rule) -> str:
        """Return the query of one of the rules.

        Args:
            rule: The rule.

        Returns:
            SQL with `{batch}` for the rows to look at.
        """
        query = self._query(rule.name)
        if not rule.constraints:
            return query
        return _UNLESS_PROMISED.format(
            query=query,
            table=self.table,
            names="', '".join(rule.constraints),
            number=len(rule.constraints),
            batch="{batch}",
        )

    def _query(self, name: str) -> str:
        file = resources.files(__package__).joinpath("queries", self.name, f"{name}.sql")
        return file.read_text(encoding="utf-8").rstrip()


_UNLESS_PROMISED = """select *
from (
{query}
) as unpromised
where
    (
        select count(*)
        from pg_catalog.pg_constraint
        where
            conrelid = to_regclass('{table}')
            and conname in ('{names}')
            and convalidated
    ) < {number}"""

_CHANGED_EXECUTIONS = """execution_id in (
    select changes.execution_id
    from intermediate.int_execution_changes as changes
    where changes.build_id > {build}
)"""

_CHANGED_DAYS = """(organization_id, metric_date) in (
    select changes.organization_id, changes.metric_date
    from intermediate.int_execution_changes as changes
    where changes.build_id > {build}
)"""

# A decision changes with its own versions and with executions: those beside which it stands, and
# those that follow it. The loads are listed, so that the planner knows how few of them there are.
_CHANGED_DECISIONS = """routing_decision_id in (
    select versions.id
    from raw.routing_decisions as versions
    where versions._load_id = any({loads})
    union
    select decisions.routing_decision_id
    from intermediate.int_execution_changes as changes
    inner join marts.fct_routing_decisions as decisions
        on changes.execution_id = decisions.execution_id
    where changes.build_id > {build}
    union
    select changes.routing_decision_id
    from intermediate.int_execution_changes as changes
    where changes.build_id > {build}
)"""

_SUITES = (
    Suite(
        name="landing",
        changed=None,
        rules=(
            Rule(
                "every_line_is_accepted_or_rejected",
                Severity.CRITICAL,
                "Of every load, the lines accepted and rejected are the lines read.",
            ),
            Rule(
                "few_lines_are_rejected",
                Severity.WARNING,
                "Of the loads of the last week, none has more rejected lines than the limit.",
                "rejected_lines_warn_percentage",
            ),
            Rule(
                "ids_belong_to_one_organization",
                Severity.WARNING,
                "In the last week no organization sent what has the id of another one's.",
            ),
            Rule(
                "versions_of_one_moment_agree",
                Severity.WARNING,
                "In the last week no version came that only its event id tells from another.",
            ),
            Rule(
                "stamps_are_not_ahead",
                Severity.WARNING,
                "In the last week no version was stamped later than it landed by the limit.",
                "stamp_ahead_warn_minutes",
            ),
            Rule(
                "landing_is_fresh",
                Severity.WARNING,
                "Something has landed within the limit.",
                "landing_stale_hours",
            ),
        ),
    ),
    Suite(
        name="price_book",
        changed=None,
        rules=(
            Rule(
                "prices_are_not_negative",
                Severity.CRITICAL,
                "No rate of the price book is below 0.",
            ),
            Rule(
                "price_changes_are_small",
                Severity.WARNING,
                "No price differs from the one before it by more than the limit.",
                "price_change_warn_percentage",
            ),
            Rule(
                "fetched_prices_are_fresh",
                Severity.WARNING,
                "No fetched price that is in force was recorded longer ago than the limit.",
                "price_stale_hours",
            ),
        ),
    ),
    Suite(
        name="executions",
        changed=_CHANGED_EXECUTIONS,
        table="marts.fct_task_executions",
        rules=(
            Rule(
                "cost_is_not_negative",
                Severity.CRITICAL,
                "No cost is below 0.",
                constraints=("cost_is_not_negative",),
            ),
            Rule(
                "savings_are_baseline_less_cost",
                Severity.CRITICAL,
                "Savings are the baseline less the cost, net savings less the overhead as well.",
                constraints=("savings_are_baseline_less_cost", "net_savings_bear_the_overhead"),
            ),
            Rule(
                "failures_save_nothing",
                Severity.CRITICAL,
                "Only completed executions have savings.",
                constraints=("only_completed_executions_save",),
            ),
            Rule(
                "statuses_are_known",
                Severity.CRITICAL,
                "Every status is pending, running, completed or failed.",
                constraints=("status_is_known",),
            ),
            Rule(
                "nothing_ends_before_it_starts",
                Severity.CRITICAL,
                "No execution ends before it starts.",
                constraints=("end_is_not_before_start",),
            ),
            Rule(
                "completed_executions_took_time",
                Severity.WARNING,
                "Every completed execution has a duration above 0.",
            ),
            Rule(
                "statuses_follow_their_path",
                Severity.WARNING,
                "No execution leaves a final status, or goes from running back to pending.",
            ),
            Rule(
                "costs_are_near_their_baseline",
                Severity.WARNING,
                "No execution costs more than the limit times its baseline.",
                "cost_over_baseline_warn_factor",
            ),
            Rule(
                "dear_executions_are_reviewed",
                Severity.INFO,
                "Executions that cost more than the limit are to be looked at.",
                "cost_review_usd",
            ),
            Rule(
                "costs_are_known",
                Severity.WARNING,
                "Few of an organization's finished executions that used something have no cost.",
                "unknown_cost_warn_percentage",
            ),
            Rule(
                "executions_have_cost_data",
                Severity.WARNING,
                "Enough of an organization's completed executions have a cost.",
                "cost_coverage_warn_percentage",
            ),
        ),
    ),
    Suite(
        name="decisions",
        changed=_CHANGED_DECISIONS,
        rules=(
            Rule(
                "predictions_are_not_negative",
                Severity.CRITICAL,
                "No decision predicts or takes less than 0.",
            ),
            Rule(
                "confidence_is_a_share",
                Severity.CRITICAL,
                "Confidence and predicted quality lie between 0 and 1.",
            ),
            Rule(
                "decisions_are_followed",
                Severity.INFO,
                "The provider that was chosen is the one that worked.",
            ),
        ),
    ),
    Suite(
        name="rollups",
        changed=_CHANGED_DAYS,
        table="intermediate.int_organization_days",
        rules=(
            Rule(
                "parts_are_no_more_than_the_whole",
                Severity.CRITICAL,
                "Completed and failed tasks are no more than all, and percentages lie within 100.",
            ),
            Rule(
                "savings_add_up",
                Severity.CRITICAL,
                "What a day saved is its baseline less the cost that was compared.",
                constraints=("savings_are_baseline_less_compared_cost",),
            ),
            Rule(
                "few_tasks_fail",
                Severity.WARNING,
                "Few of an organization's finished tasks failed.",
                "failed_tasks_warn_percentage",
            ),
            Rule(
                "most_tasks_succeed",
                Severity.CRITICAL,
                "Not so many of an organization's finished tasks failed that it is critical.",
                "failed_tasks_critical_percentage",
            ),
            Rule(
                "few_tasks_cost_more_than_their_baseline",
                Severity.WARNING,
                "Few of an organization's compared tasks cost more than their baseline.",
                "negative_savings_warn_percentage",
            ),
            Rule(
                "volume_is_like_that_of_the_weekday",
                Severity.WARNING,
                "No day has far more or fewer tasks than that weekday in the four weeks before.",
                "volume_warn_percentage",
            ),
        ),
    ),
    Suite(
        name="reconciliation",
        changed=None,
        rules=(
            Rule(
                "layers_reconcile",
                Severity.CRITICAL,
                "Every two layers hold the same, or the difference has a known cause.",
            ),
        ),
    ),
)

SPOT_CHECK = Rule(
    name="stored_figures_can_be_recomputed",
    severity=Severity.CRITICAL,
    description="Ten executions drawn at random cost and save what `warehouse explain` computes.",
)
"""The rule of every full check that no query can decide."""

SPOT_CHECKED = "executions"
"""The suite that it belongs to."""

SUITES = {suite.name: suite for suite in _SUITES}
"""All suites by name, in the order of the layers."""
