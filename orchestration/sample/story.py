"""What happens in a sample that ends at a moment: something to show for every mart and alert.

A night agent burns its customer's budget, a provider has a bad day, a pilot lies so far back that
its month is sealed, and on the last day arrives what was late, restated, credited or wrong. All of
it is placed by the moment at which the sample ends.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from orchestration.sample import catalogue
from orchestration.sample.arrivals import DAY, HOUR, SECOND
from orchestration.sample.draws import Identifiers
from orchestration.sample.executions import timestamp
from orchestration.sample.population import Organization, organization_event
from orchestration.sample.usage import Usage

FEWEST_ORGANIZATIONS = 3
FEWEST_DAYS = 10
FEWEST_EXECUTIONS_A_DAY = 20

BAD_PROVIDER = "anthropic"
BAD_DAY_FAILURE_SHARE = 0.25
BAD_DAY_SLOWNESS = 5
"""How many times longer than usual the provider's answers take."""

AGENT_MODEL = next(model for model in catalogue.MODELS if model.name == "gpt-5.5")
AGENT_TASK = "nightly-refactoring"
AGENT_USAGE = Usage(180_000, 90_000, 0, 40_000, 10_000)
AGENT_PACE = 1.35
"""How many of its customer's budgets the agent spends, by the catalogue's prices."""

JUDGED_NIGHTS = 7
"""On the last of them one run a night is run again by a router, for a judge to compare."""

ROUTED_MODEL = next(model for model in catalogue.MODELS if model.name == "gpt-5.4-mini")
VERDICTS = ("shadow", "tie", "shadow", "real")
JUDGE_COST_USD = 0.004
CLASSIFIER_COST_USD = 0.0002

PILOT_TASK = "pilot"
PILOT_USAGE = Usage(9_000, 4_000, 0, 1_500, 300)
PILOT_EXECUTIONS = 24
PILOT_DAYS_AGO = 125
"""In a month that is sealed by now: one of which every day is 90 days old, however long it was."""

AT_WORK_MINUTES = {"running": (12, 4), "pending": (1,)}
"""Executions that have not ended by their status, and how long ago they began."""

BAD_DAY_CREDIT_USD = -25

_MINUTE = 60 * SECOND
_RUN_LASTS = 15 * _MINUTE

Arrival = tuple[int, bytes]


class _Run(NamedTuple):
    """One completed execution: when it started, and its event without the stamp."""

    start: int
    fields: dict[str, Any]

    def but(self, **fields: Any) -> "_Run":
        return _Run(self.start, self.fields | fields)


class Story:
    """The script, with its parts given to the customers of one sample."""

    def __init__(
        self,
        organizations: Sequence[Organization],
        identifiers: Identifiers,
        period: tuple[int, int],
        executions: int,
    ) -> None:
        """Casts the parts, and sets the budget that will not last.

        Args:
            organizations: The customers, those that are announced late marked.
            identifiers: Where ids are taken from.
            period: First moment of the sample and its end, microseconds since 1970-01-01 UTC.
            executions: How many the whole sample has, the story's included.
        """
        start, self._end = period
        self._today = self._end // DAY
        self._identifiers = identifiers
        # Every third one changes part way; what is said here of the others holds to the end.
        steady = [
            organization
            for position, organization in enumerate(organizations)
            if position % 3 and not organization.is_late
        ]
        self._pilot_customer, self._other_customer = organizations[0], steady[0]
        self._agent_customer = steady[-1]
        days = self._today - start // DAY
        runs_per_night = max(1, executions // (100 * days))
        self._nights = {
            days_ago: [
                self._agent_run((self._today - days_ago) * DAY + 2 * HOUR + run * 20 * _MINUTE)
                for run in range(runs_per_night)
            ]
            for days_ago in range(1, days + 1)
        }
        self._pilot_runs = [
            self._pilot_run((self._today - PILOT_DAYS_AGO) * DAY + run * HOUR)
            for run in range(PILOT_EXECUTIONS)
        ]
        # On a weekend too little is done for a week's failures to show it; day 0 was a Thursday.
        self._bad_day = next(day for day in range(self._today - 1, 0, -1) if (day + 3) % 7 < 5)
        nano_usd_per_night = runs_per_night * AGENT_USAGE.estimated_cost(
            AGENT_MODEL.input_rate, AGENT_MODEL.output_rate
        )
        self._agent_customer.monthly_budget_usd = max(
            1, int(30 * nano_usd_per_night / AGENT_PACE / 10**9)
        )

    @property
    def executions(self) -> int:
        """How many executions the script adds."""
        return (
            sum(len(runs) for runs in self._nights.values())
            + PILOT_EXECUTIONS
            + sum(map(len, AT_WORK_MINUTES.values()))
        )

    def is_bad_day(self, day: int) -> bool:
        """Returns whether the bad provider fails on `day`, in days since 1970-01-01 UTC."""
        return day == self._bad_day

    def arrivals(self) -> Iterator[Arrival]:
        """Yields the lines that the script adds, each with the moment of its arrival."""
        late = (self._pilot_runs[-1], self._nights[2][0])
        for run in (*self._pilot_runs, *chain.from_iterable(self._nights.values())):
            if run not in late:
                yield self._told(run, run.start + _RUN_LASTS)
        yield from self._at_work()

        # From here on everything is of the last day.
        for run in late:
            yield self._told(run, self._hours_ago(9))
        # A run of the pilot, counted again four months later.
        yield self._told(
            self._pilot_runs[0].but(**_tokens(PILOT_USAGE.restated(1536))), self._hours_ago(9)
        )
        # The provider had counted cached input twice.
        for days_ago in (6, 7, 8):
            for run in self._nights[days_ago]:
                yield self._told(run.but(**_tokens(AGENT_USAGE.restated(768))), self._hours_ago(8))
        # Two exports that state the same moment, and not the same usage.
        for share in (896, 960):
            yield self._told(
                self._nights[4][0].but(**_tokens(AGENT_USAGE.restated(share))), self._hours_ago(7)
            )
        # An agent that reports a failure under the id of the run that had completed.
        yield self._told(
            self._nights[3][0].but(
                status="failed",
                error_code="merge_conflict",
                error_message="The merge was refused after the run",
            ),
            self._hours_ago(6),
        )
        # A gateway that sends another customer's id.
        yield self._told(
            self._nights[5][0].but(organization_id=self._other_customer.id), self._hours_ago(6)
        )
        yield self._late_baseline()
        yield self._credit_for_the_bad_day()
        yield from self._judged()

    def _at_work(self) -> Iterator[Arrival]:
        """Yields the agent's executions that have not ended."""
        for status, minutes in AT_WORK_MINUTES.items():
            for ago in minutes:
                run = self._agent_run(self._end - ago * _MINUTE)
                begun = {
                    name: value
                    for name, value in run.fields.items()
                    if name not in {"end_time", "quality_score", *_tokens(AGENT_USAGE)}
                }
                yield self._told(_Run(run.start, begun | {"status": status}), run.start)

    def _late_baseline(self) -> Arrival:
        """Returns what a customer compares itself with since three days ago, announced late."""
        customer = self._other_customer
        before = customer.baseline
        place = catalogue.BASELINE_MODELS.index(before)
        customer.baseline = catalogue.BASELINE_MODELS[place - 1]
        stamp = timestamp(self._end - 3 * DAY) + customer.utc_suffix
        line = organization_event(customer, self._identifiers.take(), stamp)
        # The router goes on with what it knew.
        customer.baseline = before
        return self._hours_ago(5), line

    def _credit_for_the_bad_day(self) -> Arrival:
        """Returns what the provider gives back for its bad day."""
        suffix = self._pilot_customer.utc_suffix
        event = {
            "event": "adjustment",
            "event_id": self._identifiers.take(),
            "id": self._identifiers.take(),
            "organization_id": self._pilot_customer.id,
            "reason": "credit",
            "amount": BAD_DAY_CREDIT_USD,
            "currency": "USD",
            "effective_at": timestamp(self._bad_day * DAY) + suffix,
            "updated_at": timestamp(self._hours_ago(4)) + suffix,
            "provider": BAD_PROVIDER,
        }
        return self._hours_ago(4), _line(event)

    def _judged(self) -> Iterator[Arrival]:
        """Yields what a router would have saved on the agent's runs, and what a judge thinks."""
        nights = sorted(self._nights)[1 : JUDGED_NIGHTS + 1]
        for number, days_ago in enumerate(nights):
            run = self._nights[days_ago][-1]
            real, shadow = (
                AGENT_USAGE.estimated_cost(model.input_rate, model.output_rate) / 10**9
                for model in (AGENT_MODEL, ROUTED_MODEL)
            )
            evaluated_at = timestamp(run.start + _RUN_LASTS + _MINUTE) + "Z"
            event = {
                "event": "shadow_evaluation",
                "event_id": self._identifiers.take(),
                "id": self._identifiers.take(),
                "organization_id": self._agent_customer.id,
                "execution_id": run.fields["id"],
                "evaluated_at": evaluated_at,
                "updated_at": evaluated_at,
                "direction": "forward",
                "outcome": VERDICTS[number % len(VERDICTS)],
                "router": "nightly",
                "judge_model": "claude-opus-4-8",
                "real_model": AGENT_MODEL.name,
                "shadow_model": ROUTED_MODEL.name,
                "tier": "complex",
                "confidence": 0.8,
                "is_real_cache_hit": False,
                "reported_real_cost_usd": real,
                "reported_shadow_cost_usd": shadow,
                "reported_judge_cost_usd": JUDGE_COST_USD,
                "reported_real_classifier_cost_usd": 0,
                "reported_shadow_classifier_cost_usd": CLASSIFIER_COST_USD,
            }
            yield self._hours_ago(3), _line(event)

    def _hours_ago(self, hours: int) -> int:
        return self._end - hours * HOUR

    def _told(self, run: _Run, written_at: int) -> Arrival:
        """Returns a version of an execution, on its way since `written_at`."""
        event = {
            "event": "task_execution",
            "event_id": self._identifiers.take(),
            **run.fields,
            "updated_at": timestamp(written_at) + "Z",
        }
        return written_at + SECOND, _line(event)

    def _agent_run(self, start: int) -> _Run:
        return self._run(self._agent_customer, AGENT_TASK, "refactor", AGENT_USAGE, start)

    def _pilot_run(self, start: int) -> _Run:
        return self._run(self._pilot_customer, PILOT_TASK, "code_generation", PILOT_USAGE, start)

    def _run(
        self, customer: Organization, task: str, task_type: str, usage: Usage, start: int
    ) -> _Run:
        return _Run(
            start,
            {
                "id": self._identifiers.take(),
                "organization_id": customer.id,
                "task_id": f"{task}-{start // _MINUTE}",
                "task_type": task_type,
                "code_language": "python",
                "request_type": "agent",
                "agent_id": f"agent-{task}",
                "provider": AGENT_MODEL.provider,
                "model": AGENT_MODEL.name,
                "request_count": 1,
                "metadata": {"client": "pipeline", "environment": "ci", "attempt": 1},
                "status": "completed",
                "start_time": timestamp(start) + "Z",
                "end_time": timestamp(start + _RUN_LASTS) + "Z",
                "quality_score": 0.9,
                **_tokens(usage),
            },
        )


def _tokens(usage: Usage) -> dict[str, int]:
    """Returns the counts that the agent's provider reports."""
    return {name: count for name, count in usage._asdict().items() if name != "cache_write_tokens"}


def _line(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event) + b"\n"
