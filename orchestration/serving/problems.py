"""Errors as RFC 9457 says: `application/problem+json`, and nothing of what went wrong inside."""

from http import HTTPStatus

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from orchestration.serving.principal import TokenRefused


def problem(status: int, detail: str, **more: object) -> JSONResponse:
    """Return an error.

    Args:
        status: The HTTP status.
        detail: What is wrong, and what to do about it.
        **more: Further members of the document.

    Returns:
        The response.
    """
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(
        {"title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more,
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


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
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter is wrong.", errors=faults)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(TokenRefused)
    async def unknown(_: Request, error: TokenRefused) -> JSONResponse:
        return problem(HTTPStatus.UNAUTHORIZED, str(error))

    @app.exception_handler(asyncpg.PostgresError)
    @app.exception_handler(asyncpg.InterfaceError)
    @app.exception_handler(OSError)
    async def down(_: Request, _error: Exception) -> JSONResponse:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The warehouse cannot answer now. Try again.")
