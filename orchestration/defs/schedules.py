"""When the jobs run by themselves, in UTC. Off in code; the environment says where they are on.

A tick that was missed is not made up for: the next one does its work, because the warehouse finds
out itself what is new.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg

from orchestration.dbt.waiting import waiting_work
from orchestration.defs.dbt.assets import read_manifest
from orchestration.defs.environments import schedule_status
from orchestration.defs.jobs import near_real_time, nightly, nightly_config
from orchestration.defs.maintenance import weekly

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

_schedule = partial(dg.schedule, execution_timezone="UTC", default_status=schedule_status())


@_schedule(
    job=near_real_time,
    cron_schedule="*/5 * * * *",
    description="Every 5 minutes, if something waits and no run of near_real_time waits or works.",
)
def every_five_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run, once a tick.

    Args:
        context: The tick.

    Returns:
        The request, or why there is none.
    """
    # While a long build has its turn, one waiting run is enough: it processes whatever has come.
    if is_unfinished(context.instance, near_real_time.name):
        return dg.SkipReason("The run before it has not ended; it or the next one sees to it.")
    reasons = waiting_work(read_manifest())
    if not reasons:
        return dg.SkipReason("Nothing waits.")
    return request(context, tags={"warehouse/waits": "; ".join(reasons)})


@_schedule(
    job=nightly,
    cron_schedule="5 0 * * *",
    description="Every night at 00:05 UTC.",
)
def every_night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for a run, with the tick's moment as now.

    Args:
        context: The tick.

    Returns:
        The request.
    """
    return request(context, nightly_config(context.scheduled_execution_time))


@_schedule(
    job=weekly,
    cron_schedule="0 3 * * 0",
    description="Every Sunday at 03:00 UTC.",
)
def every_week(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for a run.

    Args:
        context: The tick.

    Returns:
        The request.
    """
    return request(context)


def is_unfinished(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Return whether a run of a job waits or works.

    Args:
        instance: Where runs are kept.
        job_name: The job.

    Returns:
        Whether there is one.
    """
    return instance.get_runs_count(dg.RunsFilter(job_name=job_name, statuses=_UNFINISHED)) > 0


def request(
    context: dg.ScheduleEvaluationContext,
    run_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.RunRequest:
    """Return a request for a run of the schedule's job.

    Args:
        context: The tick; a tick that is evaluated twice asks for one run only.
        run_config: The run's configuration; the job's own when omitted.
        tags: What else the run is marked with.

    Returns:
        The request.
    """
    moment = context.scheduled_execution_time.isoformat()
    return dg.RunRequest(
        run_key=moment, run_config=run_config, tags={"warehouse/tick": moment} | dict(tags or {})
    )
