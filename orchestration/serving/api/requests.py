"""What every request goes through: whose it is, how much it may ask, what it asks about."""

import asyncio
import datetime as dt
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import urlencode, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema, field_serializer
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer, NothingFoundError
from orchestration.serving.principal import Principal, TokenError
from orchestration.serving.recording import Read
from orchestration.serving.state import State

Steps = Literal["day", "week", "month"]

COOKIE = "warehouse_session"
"""The cookie in which a browser keeps its token."""

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ORGANIZATION = Answer(main="organization")
_bearer = HTTPBearer(auto_error=False, description="A JWT with role, organization_id and sub.")


def _iso_day(value: object) -> object:
    # Otherwise numbers would be taken for seconds since 1970.
    if isinstance(value, str) and not _ISO_DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return value


# asyncpg takes the first and the last day that Python knows for infinite ones.
Day = Annotated[
    dt.date,
    BeforeValidator(_iso_day),
    Field(ge=dt.date(1970, 1, 1), le=dt.date(2999, 12, 31)),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date",
            "pattern": "^(19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}$",
            "examples": ["2026-01-26"],
        }
    ),
]
# A NUL is no text to PostgreSQL.
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class Organization(BaseModel, extra="forbid"):
    """Whom a request asks about."""

    organization_id: UUID | None = Field(None, description="The token's own when omitted.")


class Days(Organization):
    """Which days a request asks about, in the organization's reporting time zone."""

    start_date: Day | None = Field(None, description="The first of end_date's month when omitted.")
    end_date: Day | None = Field(None, description="Today when omitted.")

    def first_day(self, last: dt.date) -> dt.date:
        """Return the first day, given the last one."""
        return self.start_date or last.replace(day=1)


class Filtered(Days):
    """Which part of what happened on these days."""

    provider: Name | None = Field(None, description="Only this provider.")
    task_type: Name | None = Field(None, description="Only this type of task.")


class Course(Filtered):
    """In which steps to show the course of the days."""

    period: Steps = Field("day", description="Steps of the course.")


class Recent(Days):
    """In which steps to show the course of the days, or how many days to look back."""

    period: str = Field(
        "day",
        pattern=r"^(day|week|month|[1-9][0-9]{0,3}d)$",
        description="Steps of the course: day, week or month. Or a number of days up to end_date, "
        "such as 30d, with a course by day; start_date, where it is given, goes before it.",
        examples=["30d"],
    )

    def first_day(self, last: dt.date) -> dt.date:
        """Return the first day, given the last one."""
        if self.start_date or not self.period[0].isdigit():
            return super().first_day(last)
        return last - dt.timedelta(days=int(self.period[:-1]) - 1)

    @field_serializer("period")
    def _steps(self, period: str) -> str:
        return "day" if period[0].isdigit() else period


def state_of(request: Request) -> State:
    """Return what the application holds."""
    found = request.app.state.serving
    assert isinstance(found, State)  # noqa: S101
    return found


def token_of(connection: HTTPConnection) -> str | None:
    """Return the token of a request, from its header or a browser's cookie."""
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else connection.cookies.get(COOKIE)


def known(connection: HTTPConnection, state: State, token: str | None) -> Principal:
    """Return who asks.

    Args:
        connection: The request.
        state: What the application holds.
        token: The request's token. Whoever sits at a machine that serves itself needs none.

    Returns:
        The principal.

    Raises:
        TokenError: The token is not valid, or there is none.
    """
    if token is None and state.settings.is_local and is_of_this_machine(connection):
        return Principal("analyst", None, None)
    return state.keys.principal_of(token)


def is_of_this_machine(connection: HTTPConnection) -> bool:
    """Return whether a request comes from this machine, and asks for it by a name of its own."""
    address = address_of(connection)
    if address is None or not ipaddress.ip_address(address).is_loopback:
        return False
    # Another site's name may lead to this machine, and its pages could then read everything.
    try:
        host = urlsplit(f"//{connection.headers.get('Host', '')}").hostname
    except ValueError:
        return False
    return host in _LOCAL_HOSTS


async def counted(connection: HTTPConnection, state: State, token: str | None) -> Principal:
    """Return who asks, once that is counted; who is not known is recorded as well.

    Args:
        connection: The request.
        state: What the application holds.
        token: The request's token.

    Returns:
        The principal.

    Raises:
        TokenError: There is no valid token.
        TooMuchAskedError: The tenant, the browser or the address has asked too much.
    """
    try:
        if state.keys.jwks_url:
            # The identity provider may have to be asked for its keys.
            found = await asyncio.to_thread(known, connection, state, token)
        else:
            found = known(connection, state, token)
    except TokenError as error:
        await refuse_unknown(connection, state, error)
    if token is not None and token == connection.cookies.get(COOKIE):
        # People who look at pages must not use up what their organization's programs may ask.
        browser = hashlib.sha256(token.encode()).hexdigest()[:32]
        await state.limits.count_request(f"browser {browser}")
    elif token is not None:
        await state.limits.count_request(found.tenant)
    return found


async def refuse_unknown(connection: HTTPConnection, state: State, error: TokenError) -> NoReturn:
    """Refuse somebody who shows no valid token, once that is counted and recorded.

    Args:
        connection: The request.
        state: What the application holds.
        error: What is wrong with the token.

    Raises:
        TokenError: Always.
        TooMuchAskedError: The address has asked too much.
    """
    await state.limits.count_request(f"address {address_of(connection)}")
    await state.recorder.record(read_of(connection, None, is_denied=True, reason=str(error)))
    raise error


@dataclass
class Asked:
    """A request of somebody who is known, and how it is answered.

    Attributes:
        request: The request.
        state: What the application holds.
        principal: Who asks.
        action: What the audit log calls it.
    """

    request: Request
    state: State
    principal: Principal
    action: str = "view_analytics"

    async def about(self, wanted: Organization) -> tuple[Principal, dict[str, Any]]:
        """Return for whom to ask, and about what: parameters of queries.

        Args:
            wanted: What the request names.

        Returns:
            The principal, for the organization that was named, and the parameters.

        Raises:
            HTTPException: It names none, another's, or days that are none.
        """
        organization_id = wanted.organization_id or self.principal.organization_id
        if organization_id is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Name an organization_id.")
        own = self.principal.organization_id
        if own is not None and organization_id != own:
            await self.refuse("The token is for another organization.")
        principal = Principal(self.principal.role, organization_id, self.principal.user_id)
        parameters: dict[str, Any] = {
            "provider": None,
            "task_type": None,
            "period": "day",
            **wanted.model_dump(),
            "organization_id": organization_id,
            "user_id": principal.user_id,
        }
        if isinstance(wanted, Days):
            today = await self._today(principal)
            last = wanted.end_date or today
            first = wanted.first_day(last)
            if first > last:
                raise HTTPException(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"start_date {first} is after end_date {last}."
                )
            parameters |= {"start_date": first, "end_date": last}
        return principal, parameters

    async def count(self) -> None:
        """Count a further question of the same request.

        Raises:
            TooMuchAskedError: The tenant has asked too much.
        """
        await self.state.limits.count_request(self.principal.tenant)

    async def refuse(self, reason: str, status: int = HTTPStatus.FORBIDDEN) -> NoReturn:
        """Record that the request is refused, and refuse it.

        Args:
            reason: Why.
            status: The HTTP status.

        Raises:
            HTTPException: Always.
        """
        await self.state.recorder.record(
            read_of(self.request, self.principal, self.action, is_denied=True, reason=reason)
        )
        raise HTTPException(status, reason)

    async def answer(
        self, answer: Answer, wanted: Organization, seconds: float, **more: Any
    ) -> Response:
        """Answer with a document.

        Args:
            answer: What it consists of.
            wanted: What the request asks about.
            seconds: How long the answer may be kept.
            **more: Further parameters of the queries.

        Returns:
            The document, or that it has not changed since the client was given it.

        Raises:
            HTTPException: There is no such document for who asks.
        """
        principal, parameters = await self.about(wanted)
        try:
            text = await self.text(principal, answer, parameters | more, seconds)
        except NothingFoundError:
            await self.refuse("Nothing of this id is known here.", HTTPStatus.NOT_FOUND)
        await self.state.recorder.record(read_of(self.request, principal, self.action))
        return self.respond(text)

    async def text(
        self, principal: Principal, answer: Answer, parameters: dict[str, Any], seconds: float
    ) -> str:
        """Return a document's text, as it is kept or as the database says it.

        Args:
            principal: For whom.
            answer: What it consists of.
            parameters: Of its queries.
            seconds: How long it may be kept.

        Returns:
            JSON.
        """
        said = sorted((name, str(value)) for name, value in parameters.items())
        return await self.state.cache.get(
            str(principal.organization_id),
            repr((principal, answer.key, said)),
            seconds,
            lambda: self.state.database.answer(principal, answer, parameters),
        )

    def respond(self, text: str, media_type: str = "application/json") -> Response:
        """Return a response, or 304 when the client has the same already.

        Args:
            text: The body.
            media_type: What it is.

        Returns:
            The response.
        """
        tag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, no-cache",
            "Vary": "Authorization, Cookie",
        }
        known = self.request.headers.get("If-None-Match", "")
        if tag in (part.strip() for part in known.split(",")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(text, media_type=media_type, headers=headers)

    async def _today(self, principal: Principal) -> dt.date:
        """Return the day that it is now in the organization's time zone."""
        text = await self.text(
            principal,
            _ORGANIZATION,
            {"organization_id": principal.organization_id},
            DASHBOARD_SECONDS,
        )
        zone = json.loads(text)["time_zone"]
        return dt.datetime.now(ZoneInfo(zone)).date()


# FastAPI would ask what is not async in a thread of its own, for each request. The bearer stands
# here for the OpenAPI document.
async def _asked(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Asked:
    state = state_of(request)
    return Asked(request, state, await counted(request, state, token_of(request)))


Inquiry = Annotated[Asked, Depends(_asked)]
"""What a path is asked, by somebody who is known."""


def read_of(
    request: HTTPConnection,
    principal: Principal | None,
    action: str = "view_analytics",
    *,
    is_denied: bool = False,
    **details: Any,
) -> Read:
    """Return what is recorded of a request.

    Args:
        request: The request.
        principal: For whom it is answered.
        action: What it does.
        is_denied: Whether it is refused.
        **details: What else is worth knowing.

    Returns:
        The read.
    """
    # What a widget's link is good by is nothing to write down.
    said = urlencode(
        [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    )
    query = {"query": said[:2000]} if said else {}
    return Read(
        action,
        request.url.path[:500],
        principal,
        address_of(request),
        request.headers.get("User-Agent"),
        is_denied,
        query | details,
    )


def address_of(request: HTTPConnection) -> str | None:
    """Return from where a request comes; None where that is no address, such as in a test."""
    try:
        return str(ipaddress.ip_address(request.client.host)) if request.client else None
    except ValueError:
        return None
