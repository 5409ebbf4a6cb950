"""A person's own data: handed out, and asked to be erased."""

import datetime as dt
import zipfile
from collections.abc import Callable
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from orchestration.serving.api.requests import Inquiry, Organization, read_of
from orchestration.serving.api.shapes import PROBLEMS, Shape
from orchestration.serving.database import Database, runnable
from orchestration.serving.limits import TooMuchAskedError
from orchestration.serving.principal import Principal

router = APIRouter(prefix="/api/v1/user", tags=["people"], responses=PROBLEMS)

MARTS = ("dim_users", "dim_user_versions", "fct_task_executions", "fct_adjustments", "user_days")
"""What the marts hold of a person; their weeks and months are sums of the days."""

_BYTES_IN_MEMORY = 1_000_000
_BYTES_AT_A_TIME = 65_536


class Export(Organization):
    """In which form to hand out a person's data."""

    format: Literal["json", "csv"] = Field(
        "json", description="csv: a ZIP file with a CSV file of each mart."
    )


class Erasure(Organization):
    """Whom to erase."""

    user_id: UUID | None = Field(
        None, description="A user of the organization, for its admin; oneself when omitted."
    )


class ExportedPerson(Shape):
    """What the marts hold of a person, in rows as they stand there."""

    organization_id: UUID
    user_id: UUID
    exported_at: dt.datetime
    dim_users: list[dict[str, Any]]
    dim_user_versions: list[dict[str, Any]]
    fct_task_executions: list[dict[str, Any]]
    fct_adjustments: list[dict[str, Any]]
    user_days: list[dict[str, Any]]


class ErasureRequest(Shape):
    """A request that waits; asking again returns the same."""

    request_id: UUID
    user_id: UUID
    requested_at: dt.datetime
    carry_out_by: dt.date = Field(description="The day, in UTC, until which it is carried out.")


@router.get(
    "/data/export",
    responses={200: {"model": ExportedPerson, "content": {"application/zip": {}}}},
)
async def export(asked: Inquiry, wanted: Annotated[Export, Query()]) -> Response:
    """Everything that the marts hold of the token's own user; five times an hour a tenant."""
    asked.action = "export_data"
    principal, _ = await asked.about(wanted)
    if principal.user_id is None:
        await asked.refuse("The token names no user.")
    try:
        await asked.state.limits.count_export(f"tenant {principal.organization_id}")
    except TooMuchAskedError as error:
        await asked.state.recorder.record(
            read_of(asked.request, principal, asked.action, is_denied=True, reason=str(error))
        )
        raise
    # In a file first: whoever reads slowly keeps no connection, and an error is no half answer.
    file = SpooledTemporaryFile(max_size=_BYTES_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    try:
        write = _write_json if wanted.format == "json" else _write_csv
        # Whatever else the token may see: only what is the person's own.
        own = Principal("developer", principal.organization_id, principal.user_id)
        await write(asked.state.database, own, file)
        await asked.state.recorder.record(
            read_of(asked.request, principal, asked.action, format=wanted.format)
        )
        file.seek(0)
    except BaseException:
        file.close()
        raise
    suffix, media_type = (
        ("json", "application/json") if wanted.format == "json" else ("zip", "application/zip")
    )
    return StreamingResponse(
        iter(lambda: file.read(_BYTES_AT_A_TIME), b""),
        media_type=media_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="user_data.{suffix}"',
        },
        background=BackgroundTask(file.close),
    )


@router.delete(
    "/data",
    status_code=HTTPStatus.ACCEPTED,
    response_model=ErasureRequest,
)
async def erase(asked: Inquiry, wanted: Annotated[Erasure, Query()]) -> Response:
    """Ask that a person is erased: the next `warehouse retention` does it, and it is for good."""
    asked.action = "delete_data"
    principal, _ = await asked.about(wanted)
    subject = wanted.user_id or principal.user_id
    if subject is None:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "Name a user_id.")
    is_own = subject == principal.user_id
    if principal.role == "analyst" or not (is_own or principal.role == "org_admin"):
        await asked.refuse("Only oneself, or the organization's admin, may ask for that.")
    role = "developer" if is_own else "org_admin"
    asking = Principal(role, principal.organization_id, principal.user_id)
    parameters = {"organization_id": principal.organization_id, "subject_id": subject}
    found = None
    # Who asks at the same moment as another may see the other's request only the next time.
    for _ in range(2):
        found = found or await asked.state.database.change(asking, "erasure_request", parameters)
    if found is None:
        await asked.refuse("Nothing of this id is known here.", HTTPStatus.NOT_FOUND)
    request = ErasureRequest(user_id=subject, **found)
    await asked.state.recorder.record(
        read_of(
            asked.request,
            principal,
            asked.action,
            of_user_id=str(subject),
            request_id=str(request.request_id),
        )
    )
    return Response(
        request.model_dump_json(),
        status_code=HTTPStatus.ACCEPTED,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _write_json(database: Database, own: Principal, file: IO[bytes]) -> None:
    """Write one document, a row at a time."""
    about = ExportedPerson.model_construct(
        organization_id=own.organization_id,
        user_id=own.user_id,
        exported_at=dt.datetime.now(dt.UTC),
    ).model_dump_json(include={"organization_id", "user_id", "exported_at"})
    file.write(about.removesuffix("}").encode())
    async with database.speaking_for(own) as connection:
        for mart in MARTS:
            file.write(f',"{mart}":['.encode())
            separator = b"\n"
            async for document in database.documents(
                connection, own, f"export/{mart}", _parameters(own)
            ):
                file.write(separator + document.encode())
                separator = b",\n"
            file.write(b"]")
    file.write(b"}")


async def _write_csv(database: Database, own: Principal, file: IO[bytes]) -> None:
    """Write a ZIP file, a block at a time."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        async with database.speaking_for(own) as connection:
            for mart in MARTS:
                with archive.open(f"{mart}.csv", "w") as member:
                    await _copy(connection, f"export/{mart}", own, member.write)


async def _copy(
    connection: asyncpg.Connection, query: str, own: Principal, write: Callable[[bytes], object]
) -> None:
    async def take(block: bytes) -> None:
        write(block)

    await connection.copy_from_query(
        runnable(query, own, _parameters(own)), output=take, format="csv", header=True
    )


def _parameters(own: Principal) -> dict[str, Any]:
    return {"organization_id": own.organization_id, "user_id": own.user_id}
