"""Figures of one organization in somebody else's page: each by a link that expires."""

import datetime as dt
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field
from starlette.exceptions import HTTPException

from orchestration.serving.api.requests import Asked, Inquiry, Organization, read_of, state_of
from orchestration.serving.api.shapes import PROBLEMS, Shape
from orchestration.serving.headers import framed_by
from orchestration.serving.page import dashboard
from orchestration.serving.page.dashboard import View
from orchestration.serving.page.routes import drawn_charts, rendered
from orchestration.serving.principal import TokenError, Widget

router = APIRouter()

Kind = Literal["savings", "providers", "trend"]

_LONGEST_HOURS = 24 * 366
_REFRESH_SECONDS = 30


def _site(value: str) -> str:
    parts = urlsplit(value)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
    if not is_safe or value != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ValueError("a site is written https://portal.example")
    return value


class WidgetWish(Organization):
    """What to put into whose page."""

    widget: Kind = Field(description="The counter of savings, cost by provider, or the trend.")
    site: Annotated[str, AfterValidator(_site)] = Field(
        description="The only site that may show it.",
        examples=["https://portal.example"],
        max_length=200,
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$",
    )
    hours: int = Field(24, ge=1, le=_LONGEST_HOURS, description="How long the link holds.")


class WidgetLink(Shape):
    """A link for the `src` of an iframe."""

    address: str = Field(
        description="Below this application's own address.", examples=["/widgets/savings?token=ey"]
    )
    expires_at: dt.datetime = Field(description="Until when it holds.")


class WidgetView(BaseModel, extra="forbid"):
    """By which right a widget is shown, and which days."""

    token: str = Field(max_length=4000)
    days: Literal["7", "30", "90", "all"] = "30"


@router.post(
    "/api/v1/widgets",
    tags=["widgets"],
    status_code=HTTPStatus.CREATED,
    response_model=WidgetLink,
    responses=PROBLEMS,
)
async def make_widget(asked: Inquiry, wanted: WidgetWish) -> Response:
    """Make a link that shows one widget of one organization in the pages of one site."""
    asked.action = "export_data"
    principal, _ = await asked.about(wanted)
    if principal.scope == "people":
        await asked.refuse("Only the organization's admin may let others show its figures.")
    assert principal.organization_id is not None  # noqa: S101
    widget = Widget(principal.organization_id, wanted.widget, wanted.site)
    expires_at = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=wanted.hours)
    try:
        token = asked.state.keys.token_for_widget(widget, expires_at)
    except TokenError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
    await asked.state.recorder.record(
        read_of(
            asked.request, principal, asked.action, widget=wanted.widget, site=wanted.site,
            expires_at=expires_at.isoformat(),
        )
    )  # fmt: skip
    link = WidgetLink(address=f"/widgets/{wanted.widget}?token={token}", expires_at=expires_at)
    return Response(
        link.model_dump_json(),
        status_code=HTTPStatus.CREATED,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.get("/widgets/{kind}", include_in_schema=False)
async def widget(
    request: Request,
    kind: Kind,
    shown: Annotated[WidgetView, Query()],
) -> Response:
    """Show a widget to whoever has its link, in the pages of its site."""
    state = state_of(request)
    found = state.keys.widget_of(shown.token)
    if found.kind != kind:
        raise TokenError("The link is for another widget.")
    await state.limits.count_request(f"widget {found.organization_id} {found.site}")
    view = View.model_validate({"days": shown.days})
    principal, document, text = await dashboard.shown(
        Asked(request, state, found.principal), found.organization_id, view
    )
    await state.recorder.record(
        read_of(request, principal, "view_analytics", widget=kind, site=found.site)
    )
    page = rendered(
        "widget",
        request,
        kind=kind,
        document=document,
        view=view,
        charts=await drawn_charts(text) if kind == "trend" else {},
        refresh_seconds=_REFRESH_SECONDS,
    )
    return Response(
        page,
        media_type="text/html; charset=utf-8",
        headers={
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": framed_by(found.site),
        },
    )
