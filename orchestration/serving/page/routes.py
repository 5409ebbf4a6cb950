"""`/` and `/organizations/{organization_id}`: what a browser shows, also without JavaScript."""

import asyncio
import gzip
import hashlib
import json
from functools import lru_cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

import jinja2
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import WebSocketRequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException

from orchestration.serving.api.requests import (
    COOKIE,
    Asked,
    Inquiry,
    read_of,
    refuse_unknown,
    state_of,
)
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer
from orchestration.serving.page import charts, dashboard, formats
from orchestration.serving.page.dashboard import Document, TableView, View
from orchestration.serving.principal import Principal, TokenError

router = APIRouter(include_in_schema=False)

_FILES = resources.files(__package__)
_HTML = "text/html; charset=utf-8"
_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_LONGEST_FORM_BYTES = 20_000
_MOST_DRAWINGS = 256
_OPERATOR = Answer("page_freshness", {}, {"organizations": "page_organizations"})


def _static_files() -> dict[str, tuple[bytes, str]]:
    """Return the static files: their content and kind, by a name that changes with the content."""
    found = {}
    for file in (_FILES / "static").iterdir():
        stem, _, kind = file.name.rpartition(".")
        content = file.read_bytes()
        found[f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}"] = content, _KINDS[kind]
    return found


_STATIC = _static_files()
_BUNDLE = f"vega.{charts.bundle_version()}.js"


def _static(name: str) -> str:
    """Return the address of a static file."""
    stem, _, kind = name.rpartition(".")
    (found,) = (
        known for known in _STATIC if known.startswith(f"{stem}.") and known.endswith(f".{kind}")
    )
    return f"/static/{found}"


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FunctionLoader(lambda name: (_FILES / "templates" / name).read_text("utf-8")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.globals |= {"static": _static, "bundle": f"/static/{_BUNDLE}"}
_TEMPLATES.filters |= {
    "usd": formats.usd,
    "number": formats.number,
    "share": formats.share,
    "duration": formats.duration,
    "moment": formats.moment,
    "words": formats.words,
}


@router.get("/")
async def home(asked: Inquiry) -> Response:
    """Show every organization to who may see them all, and others their own."""
    if asked.principal.organization_id is not None:
        return RedirectResponse(
            f"/organizations/{asked.principal.organization_id}", HTTPStatus.SEE_OTHER
        )
    text = await asked.text(asked.principal, _OPERATOR, {}, DASHBOARD_SECONDS)
    await asked.state.recorder.record(read_of(asked.request, asked.principal))
    return asked.respond(_page("operator", asked, **json.loads(text)), _HTML)


@router.get("/organizations/{organization_id}.json")
async def organization_json(
    asked: Inquiry, organization_id: UUID, view: Annotated[View, Query()]
) -> Response:
    """Give what the page of an organization shows as JSON."""
    _, _, text = await _shown(asked, organization_id, view)
    return asked.respond(text)


@router.get("/organizations/{organization_id}.csv")
async def organization_csv(
    asked: Inquiry, organization_id: UUID, view: Annotated[TableView, Query()]
) -> Response:
    """Give a table of the page of an organization as CSV."""
    kept = View(**view.model_dump(exclude={"table"}))
    _, document, _ = await _shown(asked, organization_id, kept, "export_data")
    response = asked.respond(
        dashboard.csv_of(document.get(view.table, [])), "text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{view.table}.csv"'
    return response


@router.get("/organizations/{organization_id}/charts.json")
async def organization_charts(
    asked: Inquiry, organization_id: UUID, view: Annotated[View, Query()]
) -> Response:
    """Give the charts of the page of an organization, to be drawn by the browser."""
    _, document, _ = await _shown(asked, organization_id, view)
    return asked.respond(json.dumps(dashboard.charts_of(document)))


@router.get("/organizations/{organization_id}/figures")
async def organization_figures(
    asked: Inquiry, organization_id: UUID, view: Annotated[View, Query()]
) -> Response:
    """Give the figures at the head of the page of an organization."""
    principal, document, _ = await _shown(asked, organization_id, view)
    return asked.respond(_page("figures", asked, **_parts(principal, document, view)), _HTML)


@router.get("/organizations/{organization_id}")
async def organization(
    asked: Inquiry, organization_id: UUID, view: Annotated[View, Query()]
) -> Response:
    """Show an organization."""
    principal, document, text = await _shown(asked, organization_id, view)
    drawn = await drawn_charts(text)
    page = _page("organization", asked, charts=drawn, **_parts(principal, document, view))
    return asked.respond(page, _HTML)


@router.post("/session")
async def sign_in(request: Request) -> Response:
    """Keep a token in the browser."""
    state = state_of(request)
    _refuse_other_sites(request)
    body = await request.body()
    fields = parse_qs(body[:_LONGEST_FORM_BYTES].decode("utf-8", "replace"))
    token = fields.get("token", [""])[0].strip()
    try:
        state.keys.principal_of(token)
    except TokenError as error:
        await refuse_unknown(request, state, error)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return response


@router.post("/session/end")
async def sign_out(request: Request) -> Response:
    """Let the browser forget its token."""
    _refuse_other_sites(request)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    response.delete_cookie(COOKIE)
    return response


@router.get("/static/{name}")
async def static_file(request: Request, name: str) -> Response:
    """Give a style sheet or a script, which its address names for good."""
    if name == _BUNDLE:
        body = await asyncio.to_thread(charts.bundle)
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            body, headers = gzip.decompress(body), {"Vary": "Accept-Encoding"}
        return Response(body, media_type=_KINDS["js"], headers=_FOREVER | headers)
    files = _STATIC | request.app.state.brand.files()
    if name not in files:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    content, kind = files[name]
    return Response(content, media_type=kind, headers=_FOREVER)


def install(app: FastAPI) -> None:
    """Serve the pages, and show errors of an application as pages to who asks for HTML.

    Args:
        app: The application, whose handlers of errors are there.
    """
    app.include_router(router)
    for kind, handle in list(app.exception_handlers.items()):
        if kind is not WebSocketRequestValidationError:
            app.add_exception_handler(kind, _for_browsers(handle))


def _for_browsers(handle: Any) -> Any:
    async def handle_for_browsers(request: Request, error: Exception) -> Response:
        answered = handle(request, error)
        response: Response = await answered if asyncio.iscoroutine(answered) else answered
        if "text/html" not in request.headers.get("Accept", ""):
            return response
        problem = json.loads(bytes(response.body))
        # A link that has expired is nothing to sign in for.
        is_link = request.url.path.startswith("/widgets/")
        is_unknown = response.status_code == HTTPStatus.UNAUTHORIZED and not is_link
        template = "sign_in" if is_unknown else "problem"
        text = rendered(template, request, problem=problem, is_tried=request.method == "POST")
        kept = {
            name: value
            for name, value in response.headers.items()
            if name in ("retry-after", "cache-control")
        }
        page = HTMLResponse(text, response.status_code, kept)
        if is_unknown:
            page.delete_cookie(COOKIE)
        return page

    return handle_for_browsers


def _refuse_other_sites(request: Request) -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(HTTPStatus.FORBIDDEN, "Another site's page may not do this.")


async def _shown(
    asked: Asked, organization_id: UUID, view: View, action: str = "view_analytics"
) -> tuple[Principal, Document, str]:
    """Return what the page of an organization shows, once that is recorded."""
    principal, document, text = await dashboard.shown(asked, organization_id, view)
    if document["organization"]["organization_id"] is None and principal.reads_every_organization:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such organization.")
    await asked.state.recorder.record(read_of(asked.request, principal, action))
    return principal, document, text


async def shown_to(
    asked: Asked, principal: Principal, answer: Answer, parameters: dict[str, Any], seconds: float
) -> Document:
    """Return a document about an organization that exists.

    Args:
        asked: The request.
        principal: For whom.
        answer: What it consists of; its part `organization` says whether it exists.
        parameters: Of its queries.
        seconds: How long it may be kept.

    Returns:
        The document.

    Raises:
        HTTPException: There is no such organization.
    """
    document: Document = json.loads(await asked.text(principal, answer, parameters, seconds))
    if document["organization"]["organization_id"] is None and principal.reads_every_organization:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such organization.")
    return document


@lru_cache(maxsize=_MOST_DRAWINGS)
def _drawn(text: str) -> dict[str, Markup]:
    """Return the charts of a document's text, drawn once."""
    # What Vega draws holds numbers, dates and our own words, and it escapes text.
    return {
        name: Markup(charts.drawn(spec))  # noqa: S704
        for name, spec in dashboard.charts_of(json.loads(text)).items()
    }


def _parts(principal: Principal, document: Document, view: View) -> dict[str, Any]:
    """Return what the templates of an organization's page are filled with."""
    return {
        "document": document,
        "about": document["about"],
        "organization": document["organization"],
        "address": f"/organizations/{principal.organization_id}",
        "organization_id": principal.organization_id,
        "view": view,
        "periods": dashboard.PERIODS,
        "rows": dashboard.ROWS,
        "sees_everything": principal.scope == "organization",
        "sees_own": principal.role == "developer",
        "people": dashboard.people_of(document["activity"]),
        "days": dashboard.days_of(document["activity"]),
    }


def _page(template: str, asked: Asked, **parts: Any) -> str:
    return rendered(
        template,
        asked.request,
        reads_every_organization=asked.principal.reads_every_organization,
        **parts,
    )


def rendered(template: str, request: Request, **parts: Any) -> str:
    """Return a page.

    Args:
        template: Its template's name.
        request: For which it is made.
        **parts: What the template is filled with.

    Returns:
        HTML.
    """
    return _TEMPLATES.get_template(f"{template}.jinja").render(
        brand=request.app.state.brand, is_signed_in=COOKIE in request.cookies, **parts
    )


async def drawn_charts(text: str) -> dict[str, Markup]:
    """Return the charts of a document as SVG.

    Args:
        text: The document.

    Returns:
        The drawings, by name.
    """
    return await asyncio.to_thread(_drawn, text)
