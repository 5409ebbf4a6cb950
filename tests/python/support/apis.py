"""APIs of providers on this machine, which answer as the real ones are documented to."""

import base64
import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

KEY = "sk-never-to-be-seen-0123456789"
"""The key that all of them take."""


class Asked(NamedTuple):
    """A request.

    Attributes:
        method: GET or POST.
        path: Without parameters.
        parameters: Those of the address, each a list; of a POST its object of JSON.
        headers: By lower-case name.
    """

    method: str
    path: str
    parameters: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True)
class Fault:
    """An answer that is no page.

    Attributes:
        status: The status.
        headers: The headers.
        body: The body.
        missing_bytes: How many more bytes are announced than come.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    missing_bytes: int = 0


@dataclass
class Provider:
    """A provider's API.

    Attributes:
        answer: Returns the page for a request, and headers; None where it has no such report.
        url: Its address.
        asked: What it was asked.
        served: The pages that it gave.
        faults: What it answers first, one a request.
        waits: Called before a page is given.
    """

    answer: Callable[[Asked], tuple[dict[str, Any], dict[str, str]] | None]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    served: list[bytes] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    waits: Callable[[Asked], None] = lambda _: None

    def reply(self, asked: Asked) -> Fault:
        self.asked.append(asked)
        basic = base64.b64encode(f"{KEY}:".encode()).decode()
        pair = base64.b64encode(f"pk-public:{KEY}".encode()).decode()
        given = asked.headers.get("authorization", asked.headers.get("x-api-key", ""))
        if given not in (KEY, f"Bearer {KEY}", f"Basic {basic}", f"Basic {pair}"):
            return Fault(401, body=f'{{"error": "Incorrect key provided: {given}"}}'.encode())
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault
        self.waits(asked)
        answered = self.answer(asked)
        if answered is None:
            return Fault(404, body=b'{"error": "not found"}')
        page, headers = answered
        body = json.dumps(page).encode()
        self.served.append(body)
        return Fault(200, {"Content-Type": "application/json"} | headers, body)


@contextmanager
def listening(provider: Provider) -> Iterator[Provider]:
    """Let a provider answer on this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(parse_qs(urlsplit(self.path).query))

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, parameters: dict[str, Any]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = urlsplit(self.path).path
            reply = provider.reply(Asked(self.command, path, parameters, headers))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.missing_bytes))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or bool(reply.missing_bytes)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def only(asked: Asked, name: str) -> str:
    """Return a parameter of an address that is there once."""
    (value,) = asked.parameters[name]
    return str(value)


def openai(reports: dict[str, list[dict[str, Any]]], per_page: int = 1) -> Provider:
    """Return OpenAI's: buckets by the report that they belong to, so many on a page."""

    def answer(asked: Asked) -> tuple[dict[str, Any], dict[str, str]] | None:
        report = asked.path.removeprefix("/v1/organization/")
        if report not in reports:
            return None
        assert only(asked, "bucket_width") == "1d"
        assert int(only(asked, "limit")) <= 31
        first = int(only(asked, "start_time"))
        last = int(only(asked, "end_time")) if "end_time" in asked.parameters else first * 2
        buckets = [one for one in reports[report] if first <= one["start_time"] < last]
        at = int(only(asked, "page").removeprefix("page_")) if "page" in asked.parameters else 0
        has_more = at + per_page < len(buckets)
        page = {
            "object": "page",
            "data": buckets[at : at + per_page],
            "has_more": has_more,
            "next_page": f"page_{at + per_page}" if has_more else None,
        }
        return page, {}

    return Provider(answer)


def anthropic(reports: dict[str, list[dict[str, Any]]]) -> Provider:
    """Return Anthropic's: buckets by report, one on a page."""

    def answer(asked: Asked) -> tuple[dict[str, Any], dict[str, str]] | None:
        report = asked.path.removeprefix("/v1/organizations/")
        if report not in reports:
            return None
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert only(asked, "bucket_width") == "1d"
        assert int(only(asked, "limit")) <= 31
        first = only(asked, "starting_at")
        last = only(asked, "ending_at") if "ending_at" in asked.parameters else "9"
        buckets = [one for one in reports[report] if first <= one["starting_at"] < last]
        at = int(only(asked, "page")) if "page" in asked.parameters else 0
        has_more = at + 1 < len(buckets)
        page = {
            "data": buckets[at : at + 1],
            "has_more": has_more,
            "next_page": str(at + 1) if has_more else None,
        }
        return page, {}

    return Provider(answer)


def langfuse(observations: list[dict[str, Any]]) -> Provider:
    """Return Langfuse's: observations, the latest first, two on a page."""

    def answer(asked: Asked) -> tuple[dict[str, Any], dict[str, str]] | None:
        if asked.path != "/api/public/v2/observations":
            return None
        assert "io" not in only(asked, "fields").split(",")
        first, last = only(asked, "fromStartTime"), only(asked, "toStartTime")
        wanted = [one for one in observations if first <= one["startTime"] < last]
        wanted.sort(key=lambda one: str(one["startTime"]), reverse=True)
        cursor = only(asked, "cursor") if "cursor" in asked.parameters else ""
        at = int(base64.b64decode(cursor)) if cursor else 0
        meta = {}
        if at + 2 < len(wanted):
            meta["cursor"] = base64.b64encode(str(at + 2).encode()).decode()
        return {"data": wanted[at : at + 2], "meta": meta}, {}

    return Provider(answer)


def cursor(events: list[dict[str, Any]], per_page: int = 2) -> Provider:
    """Return Cursor's: usage events, so many on a page, whatever more is asked for."""

    def answer(asked: Asked) -> tuple[dict[str, Any], dict[str, str]] | None:
        if (asked.method, asked.path) != ("POST", "/teams/filtered-usage-events"):
            return None
        given = asked.parameters
        wanted = [
            one for one in events if given["startDate"] <= int(one["timestamp"]) <= given["endDate"]
        ]
        at = (given["page"] - 1) * per_page
        page = {
            "totalUsageEventsCount": len(wanted),
            "pagination": {
                "currentPage": given["page"],
                "pageSize": per_page,
                "hasNextPage": at + per_page < len(wanted),
            },
            "usageEvents": wanted[at : at + per_page],
        }
        return page, {}

    return Provider(answer)


def copilot(days: dict[str, list[dict[str, Any]]]) -> Provider:
    """Return GitHub's: the items of each day, one on a page, linked as from another host."""

    def answer(asked: Asked) -> tuple[dict[str, Any], dict[str, str]] | None:
        if asked.path != "/organizations/acme/settings/billing/ai_credit/usage":
            return None
        year, month, day = (int(only(asked, name)) for name in ("year", "month", "day"))
        items = days.get(f"{dt.date(year, month, day)}", [])
        number = int(only(asked, "page")) if "page" in asked.parameters else 1
        headers = {}
        if number < len(items):
            query = f"year={year}&month={month}&day={day}&page={number + 1}"
            headers["Link"] = f'<https://elsewhere.example/x?{query}>; rel="next"'
        page = {
            "timePeriod": {"year": year, "month": month, "day": day},
            "organization": "acme",
            "usageItems": items[number - 1 : number],
        }
        return page, headers

    return Provider(answer)


def openrouter(days: dict[str, list[dict[str, Any]]]) -> Provider:
    """Return OpenRouter's: the activity of each day."""

    def answer(asked: Asked) -> tuple[dict[str, Any], dict[str, str]] | None:
        if asked.path != "/api/v1/activity":
            return None
        return {"data": days.get(only(asked, "date"), [])}, {}

    return Provider(answer)
