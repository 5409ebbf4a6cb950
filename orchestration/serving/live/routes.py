"""`/api/v1/analytics/live`: server-sent events, and the same by WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from orchestration.serving.api.requests import (
    COOKIE,
    Inquiry,
    Organization,
    counted,
    read_of,
    token_of,
)
from orchestration.serving.api.shapes import PROBLEMS
from orchestration.serving.limits import TooMuchAskedError
from orchestration.serving.live.pushes import TOO_MANY_WATCH, Update, Watcher
from orchestration.serving.principal import Principal, TokenError
from orchestration.serving.state import State

router = APIRouter(prefix="/api/v1/analytics", tags=["live"])

_HEARTBEAT_SECONDS = 15
_RETRY_MS = 1_000
_SECONDS_UNTIL_SUBSCRIBED = 10
_CHANNEL = "dashboard_updates"
_EVENTS = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}

# Codes that RFC 6455 leaves to applications, after the HTTP status that they stand for.
_UNAUTHORIZED, _FORBIDDEN, _WRONG, _TOO_MUCH, _TOO_MANY = 4401, 4403, 4422, 4429, 4503


@router.get("/live", response_class=StreamingResponse, responses=PROBLEMS | {200: _EVENTS})
async def live(
    asked: Inquiry,
    wanted: Annotated[Organization, Query()],
    last_event_id: Annotated[
        str | None, Header(max_length=200, description="The last update that was seen.")
    ] = None,
) -> StreamingResponse:
    """Savings and spend of this month and today, now and whenever they change.

    Server-sent events `savings_update`. Whoever comes back with `Last-Event-ID`, as browsers do by
    themselves, is told only if something has changed. The stream ends with the token.
    """
    principal, _ = await asked.about(wanted)
    await asked.state.recorder.record(read_of(asked.request, principal))
    token = token_of(asked.request)
    pushes = asked.state.pushes
    if pushes.is_full:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY_WATCH)

    async def events() -> AsyncIterator[str]:
        yield f"retry: {_RETRY_MS}\n\n"
        with pushes.watched_by(principal, last_event_id) as watcher:
            while True:
                update = await _next_within(watcher, _HEARTBEAT_SECONDS)
                if not asked.state.still_holds(token):
                    return
                yield _event(update) if update else ": still here\n\n"

    return StreamingResponse(
        events(),
        media_type="text/event-stream",
        # Proxies that collect what they pass on would keep the events.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.websocket("/live")
async def live_socket(socket: WebSocket) -> None:
    """The same by WebSocket, after a message `SUBSCRIBE {"type": "dashboard_updates"}`.

    It may hold a token, for browsers cannot send a header; an `organization_id`, and the
    `last_event_id` that was seen before a connection was lost.
    """
    state: State = socket.app.state.serving
    if not _is_of_this_site(socket, state):
        await socket.close()  # before it is accepted: 403
        return
    await socket.accept()
    try:
        async with asyncio.timeout(_SECONDS_UNTIL_SUBSCRIBED):
            wanted = _subscription(await socket.receive_text())
        token = wanted.get("token") or token_of(socket)
        principal = await _principal_for(socket, state, token, wanted)
        if state.pushes.is_full:
            await socket.close(_TOO_MANY, TOO_MANY_WATCH)
            return
        with state.pushes.watched_by(principal, wanted.get("last_event_id")) as watcher:
            await _push(socket, state, watcher, token)
    except WebSocketDisconnect:
        return
    except (ValueError, TimeoutError) as error:
        await socket.close(_WRONG, str(error) or "Nothing was subscribed to.")
    except TokenError as error:
        await socket.close(_UNAUTHORIZED, str(error))
    except TooMuchAskedError as error:
        await socket.close(_TOO_MUCH, str(error))
    except PermissionError as error:
        await socket.close(_FORBIDDEN, str(error))


async def _push(socket: WebSocket, state: State, watcher: Watcher, token: str | None) -> None:
    """Send updates until the client goes or its token has expired."""
    gone = asyncio.ensure_future(_until_gone(socket))
    try:
        while True:
            upcoming = asyncio.ensure_future(_next_within(watcher, _HEARTBEAT_SECONDS))
            await asyncio.wait({gone, upcoming}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                upcoming.cancel()
                return
            if not state.still_holds(token):
                break
            if update := upcoming.result():
                await socket.send_text(update.text)
    finally:
        gone.cancel()
    await socket.close(_UNAUTHORIZED, "The token has expired.")


async def _until_gone(socket: WebSocket) -> None:
    """Read what the client says, which changes nothing, until it goes."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _next_within(watcher: Watcher, seconds: float) -> Update | None:
    """Return the next update, None when there is none for so long."""
    try:
        return await asyncio.wait_for(watcher.next(), seconds)
    except TimeoutError:
        return None


def _event(update: Update) -> str:
    return f"id: {update.update_id}\nevent: savings_update\ndata: {update.text}\n\n"


def _subscription(text: str) -> dict[str, Any]:
    """Return what a client subscribes to.

    Raises:
        ValueError: It is not what this path tells of.
    """
    try:
        wanted = json.loads(text.strip().removeprefix("SUBSCRIBE"))
    except json.JSONDecodeError:
        wanted = None
    if not isinstance(wanted, dict) or wanted.get("type") != _CHANNEL:
        raise ValueError(f'Say SUBSCRIBE {{"type": "{_CHANNEL}"}}.')
    known = {"type", "token", "organization_id", "last_event_id"}
    if not all(isinstance(value, str) for value in wanted.values()) or wanted.keys() - known:
        raise ValueError(f"A subscription has only these texts: {', '.join(sorted(known))}.")
    return wanted


async def _principal_for(
    socket: WebSocket, state: State, token: str | None, wanted: dict[str, Any]
) -> Principal:
    """Return for whom to push.

    Raises:
        TokenError: There is no valid token.
        ValueError: There is no such organization.
        PermissionError: It is another's.
    """
    who = await counted(socket, state, token)
    named = UUID(wanted["organization_id"]) if "organization_id" in wanted else who.organization_id
    if named is None:
        raise ValueError("Name an organization_id.")
    is_denied = who.organization_id not in (None, named)
    principal = Principal(who.role, named, who.user_id)
    await state.recorder.record(
        read_of(socket, who if is_denied else principal, is_denied=is_denied)
    )
    if is_denied:
        raise PermissionError("The token is for another organization.")
    return principal


def _is_of_this_site(socket: WebSocket, state: State) -> bool:
    """Return whether a browser's page may use the cookie: browsers let any site open a socket."""
    origin = socket.headers.get("Origin")
    if origin is None or COOKIE not in socket.cookies:
        return True
    here = urlsplit(origin).netloc == socket.headers.get("Host")
    return here or origin in state.settings.cors_origins
