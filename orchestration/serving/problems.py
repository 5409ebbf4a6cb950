"""Errors as RFC 9457 says: `application/problem+json`, and nothing of what went wrong inside."""

import asyncio
import logging
from http import HTTPStatus

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from orchestration.serving.limits import TooMuchAskedError
from orchestration.serving.principal import TokenError

_log = logging.getLogger(__name__)

DOWN = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A connection that ends at the wrong moment is told so, and this is no error of the interface.
    asyncpg.InternalClientError,
    OSError,
    asyncio.TimeoutError,
)
"""What happens when the database refuses, restarts, or takes too long."""

FAULTS = (ValidationError, HTTPException, TokenError, TooMuchAskedError, *DOWN)
"""What may go wrong with a question that is not a request of its own."""

_LONGEST_FAULT = 500


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: object
) -> JSONResponse:
    """Return an error.

    Args:
        status: The HTTP status.
        detail: What is wrong, and what to do about it.
        headers: Headers of the response.
        **more: Further members of the document.

    Returns:
        The response.
    """
    return JSONResponse(
        {"title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more,
        status_code=status,
        headers={"Cache-Control": "no-store"} | (headers or {}),
        media_type="application/problem+json",
    )


def fault_of(error: Exception | None) -> str:
    """Return what is said of an error where there is no response for it alone.

    Args:
        error: The error.

    Returns:
        What is wrong with the question, without its values; nothing of what went wrong inside.
    """
    if isinstance(error, ValidationError):
        faults = (
            f"{'.'.join(map(str, fault['loc']))[:50]}: {fault['msg']}" for fault in error.errors()
        )
        return "; ".join(faults)[:_LONGEST_FAULT]
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, TokenError | TooMuchAskedError):
        return str(error)
    _log.warning("A question was not answered: %s: %s", type(error).__name__, error)
    return "The warehouse cannot answer now. Try again."


def install(app: FastAPI) -> None:
    """Make problems of what goes wrong in an application.

    Args:
        app: The application.
    """

    @app.exception_handler(RequestValidationError)
    async def wrong_input(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"where": ".".join(map(str, fault["loc"])), "fault": fault["msg"]}
            for fault in error.errors()
        ]
        named = "; ".join(f"{fault['where']}: {fault['fault']}" for fault in faults)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, named, errors=faults)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(TokenError)
    async def unknown(_: Request, error: TokenError) -> JSONResponse:
        return problem(HTTPStatus.UNAUTHORIZED, str(error), {"WWW-Authenticate": "Bearer"})

    @app.exception_handler(TooMuchAskedError)
    async def too_much(_: Request, error: TooMuchAskedError) -> JSONResponse:
        seconds = str(error.retry_after_seconds)
        return problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), {"Retry-After": seconds})

    @app.exception_handler(asyncpg.DataError)
    async def unreadable(_: Request, error: asyncpg.DataError) -> JSONResponse:
        _log.warning("A parameter was let through to PostgreSQL: %s", error)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter is wrong.")

    async def down(request: Request, error: Exception) -> JSONResponse:
        _log.warning("%s was not answered: %s: %s", request.url.path, type(error).__name__, error)
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The warehouse cannot answer now. Try again.",
            {"Retry-After": "1"},
        )

    for kind in DOWN:
        app.add_exception_handler(kind, down)
