"""What is noticed between the schedules' ticks, and who is told.

A sensor's cursor holds what was told already. It moves only when the notification was delivered, so
one that could not be is told again.
"""

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import dagster as dg
import psycopg

from orchestration.database.connection import connect
from orchestration.dbt.waiting import WaitingLoads, waiting_loads
from orchestration.defs.environments import sensor_status
from orchestration.defs.jobs import near_real_time
from orchestration.defs.notifications import Notifier
from orchestration.defs.quality.checks import check_specs
from orchestration.defs.schedules import is_unfinished
from orchestration.environments import page_of_ui
from orchestration.landing.inbox import landing_folder, waiting_files
from orchestration.landing.scrubbing import scrub
from orchestration.notifications import Notification, moment
from orchestration.project import project_root
from orchestration.quality.alerts import open_alerts, opened, resolved
from orchestration.quality.runbook import advice

BEHIND_AFTER = dt.timedelta(minutes=5)
"""So long after landing an event may be missing in marts that are not live."""

LIVE_BEHIND_AFTER = dt.timedelta(minutes=1)
"""So long a file may wait in the inbox."""

REPEATED_AFTER = dt.timedelta(hours=4)
"""A failure that goes on is told again so often."""

_PRICES = ("seeds", "pricing")
# A run every five minutes, over two days.
_LOOKED_BACK = 600
# A red check leaves this step failed; what it found is an alert.
_CHECK_STEP = "quality_checks"


@dg.sensor(
    job=near_real_time,
    minimum_interval_seconds=15,
    default_status=sensor_status(),
    description="Every 15 seconds: ask for a run when files wait in the inbox.",
)
def landing_inbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run as soon as files wait in the landing folder.

    Args:
        context: The tick.

    Returns:
        The request, or why there is none.
    """
    waiting = waiting_files(landing_folder())
    if not waiting:
        return dg.SkipReason("Nothing waits.")
    if is_unfinished(context.instance, near_real_time.name):
        return dg.SkipReason(f"{len(waiting)} file(s) wait for the run that is under way.")
    # Files that a run could not land, because the database was away, are asked for again.
    state = [(file.path.name, file.arrived) for file in waiting]
    latest = context.instance.get_runs(dg.RunsFilter(job_name=near_real_time.name), limit=1)
    return dg.RunRequest(run_key=_hash(state, [run.run_id for run in latest]))


@dg.sensor(
    job=near_real_time,
    minimum_interval_seconds=60,
    default_status=sensor_status(),
    description="Every minute: tell of changed prices, names or policies, and ask for a run.",
)
def price_files(
    context: dg.SensorEvaluationContext, notifier: Notifier
) -> dg.RunRequest | dg.SkipReason:
    """Tell when prices, names or policies changed, and ask for a run that uses them.

    Args:
        context: The tick.
        notifier: Where to tell it.

    Returns:
        The request, or why there is none.
    """
    files = sorted(project_root().joinpath(*_PRICES).glob("*.csv"))
    now = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    before = json.loads(context.cursor) if context.cursor else None
    if before is None:
        context.update_cursor(json.dumps(now))
        return dg.SkipReason("Looked for the first time.")
    changed = sorted(
        name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
    )
    if not changed:
        return dg.SkipReason("Nothing changed.")
    said = advice("price_files")
    notifier.send(
        Notification(
            f"Price files changed: {len(changed)} file(s), {', '.join(changed)}, "
            f"since {moment(dt.datetime.now(dt.UTC))}; a build was asked for",
            said.cause,
            said.commands[0],
            (page_of_ui("assets/marts/dim_prices"),),
        )
    )
    context.update_cursor(json.dumps(now))
    return dg.RunRequest(run_key=_hash(now))


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=sensor_status(),
    description="Every 30 seconds: tell which alerts have opened and which have ended.",
)
def alerts(context: dg.SensorEvaluationContext, notifier: Notifier) -> dg.SkipReason:
    """Tell what has opened in `fct_alerts`, broken rules among it, and what is right again.

    Args:
        context: The tick.
        notifier: Where to tell it.

    Returns:
        What was told.
    """
    told: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    try:
        with connect(application_name="warehouse sensor") as connection:
            found = {alert["dedup_key"]: alert for alert in open_alerts(connection)}
            new = {
                key: opened(connection, alert, _page_of(alert["rule"]))
                for key, alert in found.items()
                if key not in told
            }
    except psycopg.errors.UndefinedTable:
        return dg.SkipReason("The marts are not built yet.")
    over = [
        resolved(key, summary, _page_of(key.split(":")[0]))
        for key, summary in told.items()
        if key not in found
    ]
    if not new and not over:
        return dg.SkipReason(f"{len(found)} alert(s) are open, all of them told.")
    notifier.send(*new.values(), *over)
    still_told = {key: summary for key, summary in told.items() if key in found}
    context.update_cursor(
        json.dumps(still_told | {key: notification.summary for key, notification in new.items()})
    )
    return dg.SkipReason(f"Told: {len(new)} new alert(s), {len(over)} resolved.")


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=sensor_status(),
    description="Every 30 seconds: tell when figures fall behind what has landed.",
)
def freshness(context: dg.SensorEvaluationContext, notifier: Notifier) -> dg.SkipReason:
    """Tell when something has not landed or not reached the marts in time, and when it has.

    Live views show what has landed without a build, so they are behind when landing is.

    Args:
        context: The tick.
        notifier: Where to tell it.

    Returns:
        What was seen.
    """
    now = dt.datetime.now(dt.UTC)
    behind = {}
    waiting = waiting_files(landing_folder())
    first = min(waiting, key=lambda file: file.arrived, default=None)
    if first and now.timestamp() - first.arrived > LIVE_BEHIND_AFTER.total_seconds():
        since = dt.datetime.fromtimestamp(first.arrived, dt.UTC)
        behind["live views"] = (
            f"{len(waiting)} file(s) wait in the inbox, {first.path.name} since {moment(since)}, "
            f"limit {_minutes(LIVE_BEHIND_AFTER)}"
        )
    try:
        with connect(application_name="warehouse sensor") as connection:
            loads = waiting_loads(connection)
    except psycopg.errors.UndefinedTable:
        loads = WaitingLoads(0, None)
    if loads.since is not None and now - loads.since > BEHIND_AFTER:
        behind["marts"] = (
            f"{loads.count} load(s) wait, the first since {moment(loads.since)}, "
            f"limit {_minutes(BEHIND_AFTER)}"
        )
    told: list[str] = json.loads(context.cursor) if context.cursor else []
    look = (page_of_ui("runs"),)
    said, ended = advice("freshness"), advice("recovered_runs")
    late = [
        Notification(f"The {name} are behind: {why}", said.cause, said.commands[0], look)
        for name, why in behind.items()
        if name not in told
    ]
    caught_up = [
        Notification(
            f"The {name} are up to date again, since {moment(now)}: nothing waits",
            ended.cause,
            ended.commands[0],
            look,
        )
        for name in told
        if name not in behind
    ]
    if late or caught_up:
        notifier.send(*late, *caught_up)
        context.update_cursor(json.dumps(sorted(behind)))
    return dg.SkipReason(f"{len(waiting)} file(s) and {loads.count} load(s) wait.")


@dg.run_failure_sensor(
    minimum_interval_seconds=15,
    default_status=sensor_status(),
    description="Tell why a run failed: once for each cause, and again every few hours.",
)
def failed_runs(context: dg.RunFailureSensorContext, notifier: Notifier) -> None:
    """Tell that a run failed and which checks were red: once for each cause, and every few hours.

    A job that fails again in the same steps and checks has not failed for another cause. Rules of
    `warehouse check` that are broken are told by `alerts`.

    Args:
        context: The run that failed.
        notifier: Where to tell it.
    """
    run, instance = context.dagster_run, context.instance
    cause = steps, checks = _cause(instance, run)
    if steps == [_CHECK_STEP]:
        return
    ends = _ends_of_failures_before(instance, run, cause)
    end = _end_of(instance.get_run_record_by_id(run.run_id))
    if ends and not _is_told_again(ends, end):
        return
    notifier.send(
        Notification(
            f"{run.job_name} {'still fails' if ends else 'failed'} in "
            f"{', '.join(steps) or 'no step'}: {len(ends) + 1} run(s), "
            f"since {moment([end, *ends][-1])}",
            scrub(_first_error(instance, run) or context.failure_event.message)
            or advice("failed_runs").cause,
            _next_command(checks),
            (page_of_ui(f"runs/{run.run_id}"),),
            tuple(f"Red check: {check}" for check in checks),
        )
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    minimum_interval_seconds=30,
    default_status=sensor_status(),
    description="Tell that a job whose failure was told succeeds again.",
)
def recovered_runs(context: dg.RunStatusSensorContext, notifier: Notifier) -> None:
    """Tell that a job succeeds again.

    Args:
        context: The run that succeeded.
        notifier: Where to tell it.
    """
    run, instance = context.dagster_run, context.instance
    if _was_told_before(instance, run):
        said = advice("recovered_runs")
        end = _end_of(instance.get_run_record_by_id(run.run_id))
        notifier.send(
            Notification(
                f"{run.job_name} succeeds again, since {moment(end)}",
                said.cause,
                said.commands[0],
                (page_of_ui(f"runs/{run.run_id}"),),
            )
        )


def red_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Return the checks that failed a run.

    Args:
        instance: Where events are kept.
        run_id: The run.

    Returns:
        Asset and name of each.
    """
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    found = [
        record.event_log_entry.dagster_event.asset_check_evaluation_data
        for record in records
        if record.event_log_entry.dagster_event
    ]
    return [
        f"{check.asset_key.to_user_string()}: {check.check_name}"
        for check in found
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]


def _first_error(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Return what the step that failed first says; None when the run failed outside of steps."""
    records = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    for record in records:
        event = record.event_log_entry.dagster_event
        error = event and event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        if error:
            # Without the name of the class; of dbt what its nodes said, without its rows of dots.
            *_, said = re.split(r"\A[\w.]+: |Errors parsed from dbt logs:", error.message.strip())
            return re.sub(r" \.{4,}", "", said)
    return None


def _next_command(checks: Sequence[str]) -> str:
    """Return how to look at the first of the red checks; without any, at the server."""
    commands = advice("failed_runs").commands
    if not checks:
        return commands[-1]
    name = checks[0].split(": ")[1]
    # dbt leaves the rows that a test found in a table; the rules have commands of their own.
    is_rule = any(name == spec.name for spec in check_specs())
    return advice(name).commands[0] if is_rule else commands[0].replace("CHECK", name)


def _failed_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """Return the steps of a run that failed; none when it never began or was killed."""
    records = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    return [record.event_log_entry.step_key or "" for record in records]


def _cause(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[list[str], list[str]]:
    """Return the steps and the checks for which a run failed."""
    return sorted(_failed_steps(instance, run)), sorted(red_checks(instance, run.run_id))


def _ends_of_failures_before(
    instance: dg.DagsterInstance, run: dg.DagsterRun, cause: tuple[list[str], list[str]]
) -> list[dt.datetime]:
    """Return when the runs right before ended that failed for the same cause, the latest first."""
    ended = instance.get_run_records(
        dg.RunsFilter(
            job_name=run.job_name,
            statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE],
        ),
        cursor=run.run_id,
        limit=_LOOKED_BACK,
    )
    failures = takewhile(
        lambda record: (
            record.dagster_run.status is dg.DagsterRunStatus.FAILURE
            and _cause(instance, record.dagster_run) == cause
        ),
        ended,
    )
    return [_end_of(record) for record in failures]


def _end_of(record: dg.RunRecord | None) -> dt.datetime:
    """Return when a run ended; now, as long as its record does not say so."""
    if record is None or record.end_time is None:
        return dt.datetime.now(dt.UTC)
    return dt.datetime.fromtimestamp(record.end_time, dt.UTC)


def _is_told_again(ends: Sequence[dt.datetime], end: dt.datetime) -> bool:
    """Return whether another few hours since the first failure are over, other than the last time.

    Args:
        ends: When the failures before ended, the latest first.
        end: When this one did.
    """
    latest, first = ends[0], ends[-1]
    return (end - first) // REPEATED_AFTER > (latest - first) // REPEATED_AFTER


def _was_told_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether the run of the same job that ended before failed, and not by rules alone."""
    ended = instance.get_runs(
        dg.RunsFilter(
            job_name=run.job_name,
            statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE],
        ),
        cursor=run.run_id,
        limit=1,
    )
    return any(
        before.status is dg.DagsterRunStatus.FAILURE
        and _failed_steps(instance, before) != [_CHECK_STEP]
        for before in ended
    )


def _page_of(rule: str) -> str:
    """Return where Dagster shows what an alert is about: its check, else the table of alerts."""
    for spec in check_specs():
        if spec.name == rule:
            asset = "/".join(spec.asset_key.path)
            return page_of_ui(f"assets/{asset}?view=checks&checkDetail={rule}")
    return page_of_ui("assets/marts/fct_alerts")


def _minutes(duration: dt.timedelta) -> str:
    return f"{duration // dt.timedelta(minutes=1)} minute(s)"


def _hash(*states: Any) -> str:
    return hashlib.sha256(json.dumps(states, default=os.fspath).encode()).hexdigest()
