"""The APIs that reports are pulled from: where each is, what it is asked, and how its pages follow.

A report is asked for windows of whole days in UTC. Reports that sum periods are asked for days and
for always the same groups: results of other groups would be other results, beside these.
"""

import base64
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from orchestration.sources import (
    anthropic_reports,
    copilot,
    cursor,
    langfuse,
    openai_reports,
    openrouter,
)
from orchestration.sources.mapping import found
from orchestration.sources.pulls.asking import Answer
from orchestration.sources.source import Source

Parameters = dict[str, Any]


class Window(NamedTuple):
    """What one question is about.

    Attributes:
        since: Its first day, at midnight.
        until: When it ends.
        now: When it is asked.
    """

    since: dt.datetime
    until: dt.datetime
    now: dt.datetime


@dataclass(frozen=True)
class Report:
    """One list of pages.

    Attributes:
        path: Where it is; may hold `{account}`.
        lists: Under which names a page has its records.
        asks: Returns the parameters of the first page of a window.
        following: Returns those of the next page, None after the last; of an answer and its own.
        days: How many days one window has.
        by_post: Whether the parameters are sent as JSON.
        is_optional: Whether some accounts do not have it.
    """

    path: str
    lists: tuple[str, ...]
    asks: Callable[[Window], Parameters]
    following: Callable[[Answer, Parameters], Parameters | None]
    days: int
    by_post: bool = False
    is_optional: bool = False


@dataclass(frozen=True)
class Api:
    """Where a source is pulled from.

    Attributes:
        source: What its pages are.
        url: Where it is, unless somebody says otherwise.
        variables: The environment variables that hold the key.
        needs: What kind of key that has to be.
        headers: Returns what is sent along, of the key's parts.
        reports: What can be pulled, by the name of the choice; the first one is the usual one.
        has_account: Whether its paths name an account.
        has_today: Whether it can be asked for the day that is running.
    """

    source: Source
    url: str
    variables: tuple[str, ...]
    needs: str
    headers: Callable[[Sequence[str]], dict[str, str]]
    reports: Mapping[str, tuple[Report, ...]]
    has_account: bool = False
    has_today: bool = True


def _bearer(key: Sequence[str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key[0]}"}


def _basic(key: Sequence[str]) -> dict[str, str]:
    """Return the header for a name and a password; a key alone is a name without a password."""
    name, password = (*key, "")[:2]
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def _by_token(answer: Answer, parameters: Parameters) -> Parameters | None:
    token, has_more = answer.page.get("next_page"), answer.page.get("has_more")
    return parameters | {"page": token} if token and has_more is not False else None


def _by_cursor(answer: Answer, parameters: Parameters) -> Parameters | None:
    cursor_of_next = found(answer.page, "meta.cursor")
    return parameters | {"cursor": cursor_of_next} if cursor_of_next else None


def _by_number(answer: Answer, parameters: Parameters) -> Parameters | None:
    has_next = found(answer.page, "pagination.hasNextPage")
    if has_next is None:
        count = found(answer.page, "totalUsageEventsCount")
        asked = parameters["page"] * parameters["pageSize"]
        has_next = isinstance(count, int) and asked < count
    return parameters | {"page": parameters["page"] + 1} if has_next else None


def _by_link(answer: Answer, _: Parameters) -> Parameters | None:
    return answer.following


def _without_pages(_: Answer, __: Parameters) -> None:
    return None


_MOST_DAYS = 31
"""So many periods of a day are on one page of OpenAI and of Anthropic."""


def _openai(name: str, *groups: str, is_optional: bool = False) -> Report:
    def asks(window: Window) -> Parameters:
        until = {} if window.until > window.now else {"end_time": int(window.until.timestamp())}
        return {
            "start_time": int(window.since.timestamp()),
            **until,
            "bucket_width": "1d",
            "group_by": list(groups),
            "limit": _MOST_DAYS,
        }

    path = f"/v1/organization/{name}"
    return Report(path, ("data",), asks, _by_token, _MOST_DAYS, is_optional=is_optional)


_GROUPS = ("project_id", "user_id", "api_key_id", "model")

OPENAI = Api(
    source=openai_reports.SOURCE,
    url="https://api.openai.com",
    variables=("OPENAI_ADMIN_KEY",),
    needs="an admin key of the organization",
    headers=_bearer,
    reports={
        "usage": (
            _openai("usage/completions", *_GROUPS, "batch", "service_tier"),
            *(
                _openai(f"usage/{name}", *_GROUPS)
                for name in (
                    "embeddings",
                    "moderations",
                    "images",
                    "audio_speeches",
                    "audio_transcriptions",
                )
            ),
            _openai("usage/code_interpreter_sessions", "project_id"),
            _openai("usage/file_search_calls", "project_id", is_optional=True),
            _openai("usage/web_search_calls", "project_id", is_optional=True),
        ),
        "costs": (_openai("costs", "project_id", "line_item"),),
    },
)


def _anthropic(name: str, *groups: str) -> Report:
    def asks(window: Window) -> Parameters:
        until = {} if window.until > window.now else {"ending_at": _rfc3339(window.until)}
        return {
            "starting_at": _rfc3339(window.since),
            **until,
            "bucket_width": "1d",
            "group_by[]": list(groups),
            "limit": _MOST_DAYS,
        }

    return Report(f"/v1/organizations/{name}", ("data",), asks, _by_token, _MOST_DAYS)


def _rfc3339(moment: dt.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


ANTHROPIC = Api(
    source=anthropic_reports.SOURCE,
    url="https://api.anthropic.com",
    variables=("ANTHROPIC_ADMIN_KEY",),
    needs="an admin key of the organization",
    headers=lambda key: {"x-api-key": key[0], "anthropic-version": "2023-06-01"},
    reports={
        "usage": (
            _anthropic(
                "usage_report/messages",
                "api_key_id",
                "workspace_id",
                "model",
                "service_tier",
                "context_window",
                "inference_geo",
            ),
        ),
        "costs": (_anthropic("cost_report", "workspace_id", "description"),),
    },
)

LANGFUSE = Api(
    source=langfuse.SOURCE,
    url="https://cloud.langfuse.com",
    variables=("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"),
    needs="the public and the secret key of a project",
    headers=_basic,
    reports={
        "observations": (
            Report(
                path="/api/public/v2/observations",
                lists=("data",),
                asks=lambda window: {
                    "fromStartTime": _rfc3339(window.since),
                    "toStartTime": _rfc3339(min(window.until, window.now)),
                    # Everything but what was written and answered.
                    "fields": "core,basic,time,metadata,model,usage,prompt,metrics",
                    "limit": 1000,
                },
                following=_by_cursor,
                days=1,
            ),
        )
    },
)


def _milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


CURSOR = Api(
    source=cursor.SOURCE,
    url="https://api.cursor.com",
    variables=("CURSOR_API_KEY",),
    needs="a key of the team's Admin API",
    headers=_basic,
    reports={
        "events": (
            Report(
                path="/teams/filtered-usage-events",
                lists=("usageEvents", "usageEventsDisplay"),
                asks=lambda window: {
                    "startDate": _milliseconds(window.since),
                    "endDate": _milliseconds(min(window.until, window.now)),
                    "page": 1,
                    "pageSize": 100,
                },
                following=_by_number,
                days=7,
                by_post=True,
            ),
        )
    },
)


def _copilot(name: str) -> tuple[Report, ...]:
    return (
        Report(
            path=f"/organizations/{{account}}/settings/billing/{name}/usage",
            lists=("usageItems",),
            asks=lambda window: {
                "year": window.since.year,
                "month": window.since.month,
                "day": window.since.day,
            },
            following=_by_link,
            days=1,
        ),
    )


COPILOT = Api(
    source=copilot.SOURCE,
    url="https://api.github.com",
    variables=("GITHUB_TOKEN",),
    needs="a token that may read the organization's billing",
    headers=lambda key: (
        _bearer(key)
        | {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
    ),
    reports={"ai_credits": _copilot("ai_credit"), "premium_requests": _copilot("premium_request")},
    has_account=True,
)

OPENROUTER = Api(
    source=openrouter.SOURCE,
    url="https://openrouter.ai",
    variables=("OPENROUTER_MANAGEMENT_KEY",),
    needs="a management key, which is none that asks models",
    headers=_bearer,
    reports={
        "days": (
            Report(
                path="/api/v1/activity",
                lists=("data",),
                asks=lambda window: {"date": f"{window.since:%Y-%m-%d}"},
                following=_without_pages,
                days=1,
            ),
        )
    },
    has_today=False,
)

APIS = {api.source.name: api for api in (CURSOR, COPILOT, LANGFUSE, OPENROUTER, OPENAI, ANTHROPIC)}
"""The sources that can be pulled, by their name in commands."""
