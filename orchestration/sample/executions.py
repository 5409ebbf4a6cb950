"""Writes the events of one task: its attempts, their versions, and the routing decision."""

import random
from bisect import bisect
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from orchestration.sample import catalogue
from orchestration.sample.arrivals import DAY, HOUR, SECOND, Arrivals
from orchestration.sample.catalogue import Failure, Model, TaskType
from orchestration.sample.draws import (
    FACTOR_BITS,
    PICK_BITS,
    Identifiers,
    log_normal_factors,
    pick_table,
    pick_table_of,
)
from orchestration.sample.population import Organization, User, organization_event, user_event
from orchestration.sample.usage import NOTHING, Usage, UsageDraws

ROUTED_SHARE = 0.7
"""Share of tasks that a router decided about."""

NEVER_FINISHED_SHARE = 0.003
"""Share of executions that stay pending or running for ever."""

PENDING_FIRST_SHARE = 0.12
"""Share of executions that arrive as pending, then running, then finished."""

RUNNING_FIRST_SHARE = 0.42
"""Share of executions that arrive as running before they are finished, those above included."""

SCORED_SHARE = 0.88
"""Share of completed executions with a quality score."""

UNPRICED_SHARE = 0.015
"""Share of executions whose usage cannot be priced, one quarter for each reason."""

CORRECTED_SHARE = 0.01
"""Share of executions that are restated after they finished."""

NO_USER_SHARE = 0.02
"""Share of tasks without a user: automation."""

RETRIED_SHARE = 0.75
"""Share of failed attempts that are followed by another."""

MOST_ATTEMPTS = 4

SHADOWED_SHARE = 0.01
"""Share of tasks that are also run on the baseline, to see what that costs."""

BAD_DAY_SHARE = 0.05
"""Share of a provider's days on which it fails BAD_DAY_FACTOR times as often."""

BAD_DAY_FACTOR = 4

SEARCHING_PROVIDERS = ("anthropic", "openai")
"""Providers whose models search the web now and then, which they bill by the search."""

ALTERNATIVE_VARIANTS = 16
"""How many sets of alternatives are prepared for each model."""

LAST_MOMENT = 2**63
"""Later than anything, in microseconds since 1970-01-01 UTC."""

_EPOCH = date(1970, 1, 1)

_CLOCK = tuple(
    f"{hour:02d}:{minute:02d}:{second:02d}"
    for hour in range(24)
    for minute in range(60)
    for second in range(60)
)


class _Dates(dict[int, str]):
    """The text of each day, by days since 1970-01-01, made when first asked for."""

    def __missing__(self, day: int) -> str:
        text = self[day] = f"{_EPOCH + timedelta(days=day)}T"
        return text


_DATES = _Dates()


def timestamp(moment: int) -> str:
    """Returns a moment as ISO 8601 in UTC, without the offset.

    Args:
        moment: Microseconds since 1970-01-01 UTC.
    """
    seconds, fraction = divmod(moment, SECOND)
    day, second = divmod(seconds, 86400)
    return f"{_DATES[day]}{_CLOCK[second]}.{fraction:06d}"


def dollars(nano_usd: int) -> str:
    """Returns an amount in USD as a plain decimal number, exactly.

    Args:
        nano_usd: The amount, billionths of a USD, not negative.
    """
    whole, fraction = divmod(nano_usd, 1_000_000_000)
    return f"{whole}.{fraction:09d}"


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One road not taken, ready but for its estimated cost."""

    before_cost: str
    after_cost: str
    input_rate: int
    output_rate: int


class _Task(NamedTuple):
    """What all attempts at one task share (a tuple, because one is made for every task)."""

    organization: Organization
    user: User | None
    user_fragment: str
    fragment: str
    task_id: str
    task_type: TaskType
    input_tokens: int


class TaskWriter:
    """Draws tasks and posts their events."""

    def __init__(
        self,
        source: random.Random,
        identifiers: Identifiers,
        arrivals: Arrivals,
        period: tuple[int, int],
        latest: int | None = None,
    ) -> None:
        """Prepares the tables that tasks are drawn from.

        Args:
            source: Where everything is drawn from.
            identifiers: Where identifiers come from.
            arrivals: Where events are posted.
            period: First moment and exclusive end, microseconds since 1970-01-01 UTC.
            latest: What would be written after this moment is not, likewise; None lets everything
                that began in the period come to its end.
        """
        self._random = source.random
        self._random_bits = source.getrandbits
        self._new_id = identifiers.take
        self._arrivals = arrivals
        self._post = arrivals.post
        self._start, self._end = period
        self._latest = LAST_MOMENT if latest is None else latest
        self._usage_draws = UsageDraws(source)
        self._noise = log_normal_factors("0.25")
        self._task_types = pick_table(
            catalogue.TASK_TYPES, [task_type.weight for task_type in catalogue.TASK_TYPES]
        )
        self._languages = pick_table_of(catalogue.LANGUAGES)
        self._request_types = pick_table_of(catalogue.REQUEST_TYPES)
        self._strategies = pick_table_of(catalogue.STRATEGIES)
        self._failures = pick_table(
            catalogue.FAILURES, [failure.weight for failure in catalogue.FAILURES]
        )
        self._failure_share: dict[str, float] = {}
        self._slowness: dict[str, int] = {}
        self._alternatives: dict[tuple[str, str], list[tuple[_Alternative, ...]]] = {}

    def start_day(self) -> None:
        """Draws which providers fail more often than usual."""
        self._slowness = {}
        for provider in catalogue.PROVIDERS:
            share = provider.failures_per_mille / 1000
            is_bad = self._random() < BAD_DAY_SHARE
            self._failure_share[provider.name] = share * (BAD_DAY_FACTOR if is_bad else 1)

    def trouble(self, provider: str, failure_share: float, slowness: int) -> None:
        """Lets a provider fail and be slow until the next day starts.

        Args:
            provider: The provider's name.
            failure_share: Share of its attempts that fail.
            slowness: How many times longer than usual they take.
        """
        self._failure_share[provider] = failure_share
        self._slowness[provider] = slowness

    def refresh_models(self, today: date) -> None:
        """Prepares the alternatives for the models that are on sale `today`, in UTC."""
        on_sale = [model for model in catalogue.MODELS if model.available_from <= today]
        if len(on_sale) < MOST_ATTEMPTS + 1:
            on_sale = list(catalogue.MODELS)
        for chosen in catalogue.MODELS:
            others = [model for model in on_sale if model is not chosen]
            self._alternatives[chosen.provider, chosen.name] = [
                self._draw_alternatives(chosen, others) for _ in range(ALTERNATIVE_VARIANTS)
            ]

    def write_task(self, organization: Organization, moment: int, most_executions: int) -> int:
        """Posts a task that starts at `moment` and returns how many executions it has.

        Args:
            organization: Whose task it is.
            moment: Start of the first attempt, microseconds since 1970-01-01 UTC.
            most_executions: How many executions it may have, at least 1.
        """
        task = self._draw_task(organization, moment)
        model = organization.portfolio[self._random_bits(PICK_BITS)]
        is_routed = self._random() < ROUTED_SHARE
        attempt = 0
        while True:
            attempt += 1
            ended_at, arrival = self._write_attempt(task, model, moment, attempt, is_routed)
            if attempt == 1 and (organization.is_late or (task.user and task.user.is_late)):
                self._announce_late_members(task, arrival)
            if (
                attempt == 1
                and not ended_at
                and most_executions > 1
                and model is not organization.baseline
                and self._random() < SHADOWED_SHARE
                and moment + SECOND < self._latest
            ):
                self._write_attempt(task, organization.baseline, moment + SECOND, 2, False)
                return 2
            if (
                not ended_at
                or attempt >= most_executions
                or attempt >= MOST_ATTEMPTS
                or self._random() >= RETRIED_SHARE
            ):
                return attempt
            moment = ended_at + SECOND + int(self._random() * 45 * SECOND)
            if moment >= self._end:
                return attempt
            if self._random() < 0.4:
                model = organization.portfolio[self._random_bits(PICK_BITS)]

    def announce(self, organization: Organization, user: User | None, arrival: int) -> None:
        """Lets a member's announcement arrive at `arrival`, written a second before."""
        updated_at = timestamp(min(arrival, self._end) - SECOND) + organization.utc_suffix
        if user is None:
            line = organization_event(organization, self._new_id(), updated_at)
        else:
            line = user_event(organization, user, self._new_id(), updated_at)
        self._arrivals.deliver(arrival, line)

    def _announce_late_members(self, task: _Task, arrival: int) -> None:
        """Lets the late organization or user of a task follow its first event, in two days."""
        organization, user = task.organization, task.user
        if organization.is_late:
            organization.is_late = False
            self.announce(organization, None, arrival + HOUR + int(self._random() * 2 * DAY))
        if user is not None and user.is_late:
            user.is_late = False
            self.announce(organization, user, arrival + HOUR + int(self._random() * 2 * DAY))

    def _draw_user(self, organization: Organization) -> User:
        weights = organization.cumulative_weights
        return organization.users[bisect(weights, int(self._random() * weights[-1]))]

    def _draw_task(self, organization: Organization, moment: int) -> _Task:
        user = self._draw_user(organization) if self._random() >= NO_USER_SHARE else None
        bits = self._random_bits(48)
        task_type = self._task_types[self._random_bits(PICK_BITS)]
        language = self._languages[self._random_bits(PICK_BITS)]
        request_type = self._request_types[self._random_bits(PICK_BITS)]
        task_id = f"task-{bits:012x}"
        if user is None:
            session = f"pipeline-{moment // DAY}-{bits & 63}"
            metadata = '"client":"pipeline","client_version":"5.2.0","environment":"ci"'
        else:
            # A session is what one person does within four hours.
            session = f"{user.id[:8]}-{moment // (4 * HOUR)}"
            metadata = user.metadata
        extra = ""
        if request_type == "agent":
            extra = (
                f',"agent_id":"agent-{task_type.name}","workflow_id":"workflow-{bits >> 40:02x}"'
            )
        return _Task(
            organization,
            user,
            "" if user is None else user.fragment,
            f',"organization_id":"{organization.id}","task_id":"{task_id}"'
            f',"task_type":"{task_type.name}","code_language":"{language}"'
            f',"request_type":"{request_type}","session_id":"{session}"'
            f',"correlation_id":"{bits:012x}"{extra},"metadata":{{{metadata}',
            task_id,
            task_type,
            self._usage_draws.input_tokens(task_type),
        )

    def _write_attempt(
        self, task: _Task, model: Model, start: int, attempt: int, is_routed: bool
    ) -> tuple[int, int]:
        """Posts one execution.

        Returns:
            The end if the attempt failed, else 0, and when its first line arrives, both in
            microseconds since 1970-01-01 UTC.
        """
        chance = self._random
        suffix = task.organization.utc_suffix
        execution_id = self._new_id()
        usage = self._usage_draws.usage(task.task_type, model, task.input_tokens)
        duration = self._usage_draws.duration(task.task_type, model)
        duration *= self._slowness.get(model.provider, 1)
        tier = ""
        tier_chance = chance()
        if tier_chance < 0.45:
            tier = ',"service_tier":"standard"'
        elif model.batches and tier_chance > 0.92:
            tier = ',"service_tier":"batch"'
            duration = min(duration * 60, 6 * HOUR)
        elif tier_chance > 0.99:
            tier = ',"service_tier":"priority"'
        decision = ""
        if is_routed and attempt == 1:
            decision_id = self._new_id()
            decision = f',"routing_decision_id":"{decision_id}"'
            self._write_decision(task, model, start, duration, usage, execution_id, decision_id)

        model_fragment = f'","provider":"{model.provider}","model":"{model.name}"'
        # Four equal parts: an unknown model, none, only a total of tokens, and no usage at all.
        unpriced_chance = chance()
        if unpriced_chance < UNPRICED_SHARE / 4:
            name = catalogue.UNKNOWN_MODELS[self._random_bits(2)]
            model_fragment = f'","provider":"{model.provider}","model":"{name}"'
        elif unpriced_chance < UNPRICED_SHARE / 2:
            model_fragment = f'","provider":"{model.provider}"'
        identity = (
            f'","id":"{execution_id}{model_fragment}{task.fragment},"attempt":{attempt}}}'
            f'{tier}{decision},"request_count":1,"start_time":"'
        )
        opening = (
            f'{identity}{timestamp(start)}{suffix}"{task.user_fragment}',
            suffix,
        )
        path_chance = chance()
        if path_chance < NEVER_FINISHED_SHARE:
            status = "pending" if path_chance < NEVER_FINISHED_SHARE / 3 else "running"
            return 0, self._write_unfinished(opening, status, start)

        has_failed = chance() < self._failure_share[model.provider]
        end = start + duration
        if has_failed:
            failure = self._failures[self._random_bits(PICK_BITS)]
            usage, end = self._cut_short(failure, usage, start, duration)
            outcome = (
                f',"status":"failed","error_code":"{failure.code}"'
                f',"error_message":"{failure.message}"'
            )
        elif chance() < SCORED_SHARE:
            quality = min(1000, model.quality * self._noise[self._random_bits(FACTOR_BITS)] >> 10)
            outcome = f',"status":"completed","quality_score":{quality / 1000}'
        else:
            outcome = ',"status":"completed"'
        first_arrivals = []
        if path_chance < PENDING_FIRST_SHARE:
            first_arrivals.append(self._write_unfinished(opening, "pending", start))
        # Of the true end, because the last version must be the newest.
        running_at = start + 1 + (end - start >> 4)
        if path_chance < RUNNING_FIRST_SHARE and running_at <= self._latest:
            first_arrivals.append(self._write_unfinished(opening, "running", running_at))

        if unpriced_chance >= UNPRICED_SHARE or unpriced_chance < UNPRICED_SHARE / 2 or has_failed:
            usage_fragment = usage.fragment(model)
        elif unpriced_chance < UNPRICED_SHARE * 3 / 4:
            usage_fragment = f',"tokens_used":{usage.input_tokens + usage.output_tokens}'
        else:
            usage_fragment = ""
        is_priced = unpriced_chance >= UNPRICED_SHARE
        claim = ""
        if is_priced and chance() * 100 < _REPORTED_COST_PERCENT[model.provider]:
            cost = dollars(usage.estimated_cost(model.input_rate, model.output_rate))
            claim = f',"reported_cost_usd":{cost}'

        updated_at = end + 50_000 + self._random_bits(20)
        if updated_at > self._latest:
            # Still at work.
            if not first_arrivals:
                first_arrivals.append(self._write_unfinished(opening, "running", start))
            return 0, min(first_arrivals)
        # From bits that are drawn anyway.
        if is_priced and model.provider in SEARCHING_PROVIDERS and updated_at % 64 == 0:
            outcome += f',"other_usage":{{"web_search_requests":{1 + (updated_at >> 6) % 3}}}'
        elif is_priced and updated_at % 256 == 1:
            outcome += ',"is_gateway_cache_hit":true'
        line = (
            f'{{"event":"task_execution","event_id":"{self._new_id()}{opening[0]}'
            f',"end_time":"{timestamp(end)}{suffix}"{outcome}'
            f'{usage_fragment}{claim},"updated_at":"{timestamp(updated_at)}{suffix}"}}\n'
        )
        first_arrivals.append(self._post(updated_at, line.encode()))
        if chance() < CORRECTED_SHARE:
            self._write_correction(
                task,
                model,
                identity,
                (start, end, updated_at),
                usage if is_priced else None,
                outcome,
                usage_fragment,
            )
        return end if has_failed else 0, min(first_arrivals)

    def _write_unfinished(self, opening: tuple[str, str], status: str, written_at: int) -> int:
        """Posts a version from before the end and returns when it arrives.

        Args:
            opening: What all versions share, and how the source writes UTC.
            status: pending or running.
            written_at: When, in microseconds since 1970-01-01 UTC.
        """
        shared, suffix = opening
        line = (
            f'{{"event":"task_execution","event_id":"{self._new_id()}{shared}'
            f',"status":"{status}","updated_at":"{timestamp(written_at)}{suffix}"}}\n'
        )
        return self._post(written_at, line.encode())

    def _cut_short(
        self, failure: Failure, usage: Usage, start: int, duration: int
    ) -> tuple[Usage, int]:
        """Returns what a failed attempt used and when it ended."""
        if not failure.bills:
            # Turned away at once: the source knows that nothing was used.
            return NOTHING, start + 100_000 + self._random_bits(20)
        share = self._random()
        reached = usage._replace(
            output_tokens=int(usage.output_tokens * share),
            reasoning_tokens=int(usage.reasoning_tokens * share),
        )
        return reached, start + (duration >> 2) + int((duration >> 1) * share)

    def _write_correction(
        self,
        task: _Task,
        model: Model,
        identity: str,
        moments: tuple[int, int, int],
        usage: Usage | None,
        outcome: str,
        usage_fragment: str,
    ) -> None:
        """Posts a later version: other tokens, or another day, or another user."""
        start, end, written_at = moments
        suffix = task.organization.utc_suffix
        # Hours to days later, but not after the sample's end, lest it land in the future.
        room = max(self._end - written_at, 4 * SECOND)
        updated_at = written_at + SECOND + int(self._random() * (min(room, 3 * DAY) - 2 * SECOND))
        if updated_at > self._latest:
            return
        user_fragment = task.user_fragment
        kind = self._random()
        if kind < 0.08 and start - DAY >= self._start:
            start -= DAY
            end -= DAY
        elif kind < 0.16 and task.user is not None:
            user_fragment = self._draw_user(task.organization).fragment
        elif usage is not None:
            usage_fragment = usage.restated(600 + self._random_bits(10) * 7 // 8).fragment(model)
        line = (
            f'{{"event":"task_execution","event_id":"{self._new_id()}{identity}{timestamp(start)}'
            f'{suffix}","end_time":"{timestamp(end)}{suffix}"{user_fragment}{outcome}'
            f'{usage_fragment},"updated_at":"{timestamp(updated_at)}{suffix}"}}\n'
        )
        self._post(updated_at, line.encode())

    def _write_decision(
        self,
        task: _Task,
        model: Model,
        start: int,
        duration: int,
        usage: Usage,
        execution_id: str,
        decision_id: str,
    ) -> None:
        """Posts the decision that led to a task's first attempt."""
        bits = self._random_bits
        noise = self._noise
        organization = task.organization
        suffix = organization.utc_suffix
        decided_at = start - 80_000 - bits(20)
        decided_text = timestamp(decided_at)
        factor = noise[bits(FACTOR_BITS)]
        alternatives = ",".join(
            [
                alternative.before_cost
                + dollars(
                    usage.estimated_cost(alternative.input_rate, alternative.output_rate) * factor
                    >> 10
                )
                + alternative.after_cost
                for alternative in self._alternatives[model.provider, model.name][bits(4)]
            ]
        )
        cost = usage.estimated_cost(model.input_rate, model.output_rate)
        predicted_cost = dollars(cost * noise[bits(FACTOR_BITS)] >> 10)
        predicted_duration = (duration // 1000) * noise[bits(FACTOR_BITS)] >> 10
        predicted_quality = min(1000, model.quality * noise[bits(FACTOR_BITS)] >> 10)
        baseline = ""
        draw = bits(16)
        if draw & 3:
            baseline = (
                f',"baseline_provider":"{organization.baseline.provider}"'
                f',"baseline_model":"{organization.baseline.name}"'
            )
        version = catalogue.ALGORITHM_VERSIONS[
            min(2, (decided_at - self._start) * 3 // (self._end - self._start))
        ]
        line = (
            f'{{"event":"routing_decision","event_id":"{self._new_id()}","id":"{decision_id}"'
            f',"organization_id":"{organization.id}","task_id":"{task.task_id}"'
            f',"task_execution_id":"{execution_id}","chosen_provider":"{model.provider}"'
            f',"chosen_model":"{model.name}","decision_timestamp":"{decided_text}{suffix}"'
            f',"routing_strategy":"{self._strategies[bits(PICK_BITS)]}"'
            f',"algorithm_version":"{version}","alternative_providers":[{alternatives}]'
            f',"reasoning":"{catalogue.CHOICE_REASONS[draw >> 2 & 3]}","decision_factors":'
            f'{{"cost_weight":0.{3 + (draw >> 4 & 3)},"quality_weight":0.{2 + (draw >> 6 & 1)}'
            f',"latency_weight":0.{1 + (draw >> 7 & 1)}}}'
            f',"confidence_score":{_CONFIDENCES[draw >> 8]}'
            f',"predicted_cost_usd":{predicted_cost},"predicted_duration_ms":{predicted_duration}'
            f',"predicted_quality_score":{predicted_quality / 1000}'
            f',"routing_overhead_cost_usd":{dollars(40_000 + bits(18))}{baseline}'
            f',"updated_at":"{decided_text}{suffix}"}}\n'
        )
        self._post(decided_at, line.encode())

    def _draw_alternatives(self, chosen: Model, others: list[Model]) -> tuple[_Alternative, ...]:
        """Returns two to four other models, one reason each."""
        remaining = list(others)
        alternatives = []
        for _ in range(2 + self._random_bits(8) % 3):
            model = remaining.pop(self._random_bits(16) % len(remaining))
            is_dearer = model.output_rate > chosen.output_rate
            reasons = catalogue.ALTERNATIVE_REASONS
            reason = reasons[0] if is_dearer else reasons[1 + self._random_bits(8) % 4]
            alternatives.append(
                _Alternative(
                    before_cost=(
                        f'{{"provider":"{model.provider}","model":"{model.name}"'
                        f',"score":0.{300 + self._random_bits(9)},"estimated_cost_usd":'
                    ),
                    after_cost=f',"reasoning":"{reason}"}}',
                    input_rate=model.input_rate,
                    output_rate=model.output_rate,
                )
            )
        return tuple(alternatives)


_REPORTED_COST_PERCENT = {
    provider.name: provider.reported_cost_percent for provider in catalogue.PROVIDERS
}

# From 0.550 to 0.975 in 256 steps.
_CONFIDENCES = tuple(f"0.{550 + step * 5 // 3}" for step in range(256))
