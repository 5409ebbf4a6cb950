"""Random requests in two tenants: nothing of the other one ever comes back."""

import asyncio
import gzip
import json
import math
import random
import re
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from benchmarks.serving import PART
from benchmarks.serving.clients import Request, Response, ask_together
from benchmarks.serving.tenants import Tenant
from benchmarks.shared.measures import Measure, Target

_CLIENTS = 32
_UUID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# Whether a provider and a task type may be asked about.
_PATHS = {
    "analytics/dashboard": False,
    "analytics/savings/summary": True,
    "analytics/savings": False,
    "analytics/costs": True,
    "analytics/costs/month": True,
    "analytics/costs/by-provider": True,
    "analytics/tasks/performance": True,
    "analytics/usage/metrics": False,
    "analytics/providers": False,
    "metrics/current": False,
    "executions": True,
    "explain": True,
    "alerts": False,
    "budgets": False,
    "unpriced": True,
    "corrections": False,
}
_FIELDS = (
    "executions(organizationId: $id, limit: 5) { items { executionId userId } }",
    "savingsSummary(organizationId: $id) { savingsUsd }",
    "usage(organizationId: $id) { activeUsers }",
)
_PEOPLE = 4
_NAMED_SHARE = 0.7
_FILTERED_SHARE = 0.3


def ask_at_random(
    port: int, tenants: list[Tenant], requests: int, tell: Callable[[str], None]
) -> Measure:
    """Ask as somebody of either tenant, about either, and look for ids of the other one.

    Args:
        port: Where the application listens.
        tenants: Two of them.
        requests: How many requests.
        tell: Told what happens.

    Returns:
        How many answers had ids of the other tenant.
    """
    tell(f"{PART}: {requests:,} random requests in two tenants")
    chance = random.Random(11)  # noqa: S311
    owners: dict[str, Tenant] = {}
    foreign: dict[UUID, set[bytes]] = {}
    for own, other in (tenants, tenants[::-1]):
        ids = (other.organization_id, *other.user_ids, *other.execution_ids)
        foreign[own.organization_id] = {str(each).encode() for each in ids}
        owners[own.token_of("org_admin")] = own
        for role in ("team_lead", "developer"):
            for user_id in chance.sample(own.user_ids, _PEOPLE):
                owners[own.token_of(role, user_id)] = own
    tokens = list(owners)
    left = requests
    counts: Counter[str] = Counter()

    def draw() -> Request | None:
        nonlocal left
        left -= 1
        return _drawn(chance, chance.choice(tokens), chance.choice(tenants)) if left >= 0 else None

    def look(request: Request, response: Response) -> None:
        others = foreign[owners[request.token].organization_id]
        named = set(_UUID.findall(f"{request.path} {request.body}".encode()))
        body = gzip.decompress(response.body) if response.is_compressed else response.body
        is_answered = response.status == HTTPStatus.OK and b'"errors"' not in body
        shown = set(_UUID.findall(body)) - named
        is_foreign = not others.isdisjoint(shown if others.isdisjoint(named) else shown | named)
        counts["foreign"] += is_answered and is_foreign
        counts["answered"] += is_answered
        counts["failed"] += not 0 < response.status < HTTPStatus.INTERNAL_SERVER_ERROR

    answers = asyncio.run(ask_together(port, _CLIENTS, math.inf, draw, look=look))
    return Measure(
        PART, f"answers with ids of another tenant, of {requests:,}", "answers",
        (counts["foreign"],), Target("exactly", 0),
        f"{counts['answered']:,} answered, {counts['failed']:,} failed, the others refused, "
        f"in {answers.duration:,.0f} s",
    )  # fmt: skip


def _drawn(chance: random.Random, token: str, about: Tenant) -> Request:
    """Draw a question about a tenant, by whomever; it is not always named."""
    named = [f"organization_id={about.organization_id}"] if chance.random() < _NAMED_SHARE else []
    execution_id = chance.choice(about.execution_ids)
    page = f"/organizations/{about.organization_id}"
    kind = chance.random()
    if kind < 0.1:
        body = {"query": f"query($id: UUID) {{ {chance.choice(_FIELDS)} }}"}
        variables = {"variables": {"id": str(about.organization_id)}}
        return Request("/graphql", token, json.dumps(body | variables))
    if kind < 0.2:
        path = chance.choice((page, f"{page}.json", f"{page}.csv", f"{page}/figures"))
        return Request(path, token, accepts="*/*")
    if kind < 0.4:
        path = f"executions/{execution_id}{chance.choice(('', '/explain'))}"
        return Request(f"/api/v1/{path}?{'&'.join(named)}", token)
    path, takes_filters = chance.choice(list(_PATHS.items()))
    filters = (
        f"provider={chance.choice(about.providers)}",
        f"task_type={chance.choice(about.task_types)}",
    )
    query = named + [
        each for each in filters if takes_filters and chance.random() < _FILTERED_SHARE
    ]
    query += ["figure=spend"] if path == "explain" else []
    return Request(f"/api/v1/{path}?{'&'.join(query)}", token)
