"""Figures of the application for Prometheus, at `/metrics`: how fast, how often, with what."""

import ipaddress
import secrets
import time
from collections.abc import Iterator
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration.serving.api.requests import state_of, token_of
from orchestration.serving.state import State

PATH = "/metrics"
_PREFIX = "/api/v1"

# The documents promise 50 ms, 200 ms and 500 ms.
_BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BY_PROXY = ("Forwarded", "X-Forwarded-For", "Via")

router = APIRouter()


class Metrics(Collector):
    """Counts requests, and reads what the application's state counts itself.

    Labels hold templates of routes, never paths: neither tenants nor endless series.
    """

    def __init__(self, app: FastAPI) -> None:
        """Begin with no requests.

        Args:
            app: The application, whose state exists while it runs.
        """
        self._app = app
        self.registry = CollectorRegistry()
        self.durations = Histogram(
            "warehouse_api_request_duration_seconds",
            "How long requests took until the last byte, without streams of events.",
            ("route", "method"),
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        self.requests = Counter(
            "warehouse_api_requests",
            "Requests, by class of their status; errors of ours are 5xx.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield what the state counts."""
        state: State = self._app.state.serving
        pool = state.database.pool
        prefix = "warehouse_api"
        yield CounterMetricFamily(
            f"{prefix}_cache_hits", "Answers that were kept.", value=state.cache.hits
        )
        yield CounterMetricFamily(
            f"{prefix}_cache_misses",
            "Answers that the database was asked for.",
            value=state.cache.misses,
        )
        yield CounterMetricFamily(
            f"{prefix}_recording_failures",
            "Reads that could not be recorded, and were not answered.",
            value=state.recorder.failures,
        )
        for name, text, value in (
            ("live_clients", "Who watches figures change.", state.pushes.count),
            ("pool_connections", "Connections to the database.", pool.get_size()),
            ("pool_idle_connections", "Those that nobody uses.", pool.get_idle_size()),
            ("pool_max_connections", "How many there may be.", pool.get_max_size()),
        ):
            yield GaugeMetricFamily(f"{prefix}_{name}", text, value=value)


class MeasuredRequests:
    """Measures each request, whatever becomes of it, and passes streams through as they come."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Take the application.

        Args:
            app: The application.
            metrics: What to count in.
        """
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] != "http" or scope["path"] == PATH:
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        # What raises before it answers is answered with this, further out.
        status, is_stream = int(HTTPStatus.INTERNAL_SERVER_ERROR), False

        async def send_measured(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = (
                    dict(message["headers"])
                    .get(b"content-type", b"")
                    .startswith(b"text/event-stream")
                )
            await send(message)

        try:
            await self._app(scope, receive, send_measured)
        finally:
            route = _template_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(route, method, f"{status // 100}xx").inc()
            if not is_stream:
                seconds = time.perf_counter() - begun
                self._metrics.durations.labels(route, method).observe(seconds)


def _template_of(scope: Scope) -> str:
    """Return the template of the route that answered, `other` where there was none."""
    found = getattr(scope.get("route"), "path", None)
    if found is None:
        return "other"
    # A route in a router within a router does not know the outer one's prefix.
    is_within = scope["path"].startswith(f"{_PREFIX}/") and not found.startswith(_PREFIX)
    return f"{_PREFIX}{found}" if is_within else str(found)


def install(app: FastAPI) -> None:
    """Measure an application, and show the figures to whoever may see them.

    Args:
        app: The application.
    """
    app.state.metrics = Metrics(app)
    app.add_middleware(MeasuredRequests, metrics=app.state.metrics)
    app.include_router(router)


@router.get(PATH, include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus, in its text format."""
    if not _may_see(request, state_of(request).settings.metrics_token):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return Response(generate_latest(request.app.state.metrics.registry), headers=headers)


def _may_see(request: Request, token: str | None) -> bool:
    """Return whether it is a program of this machine, or shows the token."""
    if token and secrets.compare_digest(token.encode(), (token_of(request) or "").encode()):
        return True
    # A proxy on this machine asks for others.
    if request.client is None or any(name in request.headers for name in _BY_PROXY):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
