"""The application: REST under `/api/v1`."""

import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from orchestration.serving import problems
from orchestration.serving.database import answer, speaking_for
from orchestration.serving.principal import Keys, Principal, TokenRefused

Period = Literal["day", "week", "month"]

_bearer = HTTPBearer(auto_error=False, description="A JWT with role, organization_id and sub.")


def create_app(keys: Keys, database: dict[str, Any]) -> FastAPI:
    """Make the application.

    Args:
        keys: What tokens are verified with.
        database: What `asyncpg.create_pool` takes; a login that may speak for everybody.

    Returns:
        The application.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(**database) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(
        title="AI Spend Warehouse",
        description="What AI coding work cost, and what it would have cost otherwise. Money is in "
        "USD: a number rounded to cents, and beside it, with `_usd`, all digits as a string.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.keys = keys
    problems.install(app)

    @app.get("/api/v1/analytics/savings/summary", tags=["analytics"])
    async def savings_summary(asked: Annotated[Asked, Depends()]) -> Response:
        """What was saved in a period, and its course."""
        return await asked.answer("savings_summary")

    return app


def principal_of(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Return for whom a request is made."""
    if credentials is None:
        raise TokenRefused("A token is needed: Authorization: Bearer ...")
    keys: Keys = request.app.state.keys
    return keys.principal_of(credentials.credentials)


class Asked:
    """What a request asks about: whom, which days, in which steps."""

    def __init__(
        self,
        request: Request,
        principal: Annotated[Principal, Depends(principal_of)],
        organization_id: Annotated[
            UUID | None, Query(description="The token's own when omitted.")
        ] = None,
        start_date: Annotated[
            dt.date | None, Query(description="The first of this month when omitted.")
        ] = None,
        end_date: Annotated[dt.date | None, Query(description="Today when omitted.")] = None,
        period: Annotated[Period, Query(description="Steps of the course.")] = "day",
    ) -> None:
        wanted = organization_id or principal.organization_id
        if wanted is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Name an organization_id.")
        if not principal.reads_every_organization and wanted != principal.organization_id:
            raise HTTPException(HTTPStatus.FORBIDDEN, "The token is for another organization.")
        today = dt.datetime.now(dt.UTC).date()
        last = end_date or today
        first = start_date or last.replace(day=1)
        if first > last:
            raise HTTPException(
                HTTPStatus.UNPROCESSABLE_ENTITY, "start_date is later than end_date."
            )
        self._pool: asyncpg.Pool = request.app.state.pool
        self._principal = Principal(principal.role, wanted, principal.user_id)
        self._parameters = {
            "organization_id": wanted,
            "start_date": first,
            "end_date": last,
            "period": period,
            "scope": "people" if principal.role in ("team_lead", "developer") else "organization",
        }

    async def answer(self, name: str) -> Response:
        """Return what a query says, with what every answer says about itself."""
        async with speaking_for(self._pool, self._principal) as connection:
            said = await answer(connection, name, self._parameters)
            about = await answer(connection, "about", self._parameters)
        return Response(
            json.dumps({**json.loads(said), "about": json.loads(about)}),
            media_type="application/json",
        )
