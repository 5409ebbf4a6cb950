"""`POST /graphql`."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from graphql import GraphQLError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from strawberry.schema.exceptions import CannotGetOperationTypeError

from orchestration.serving.api.requests import Inquiry
from orchestration.serving.graphql.schema import SCHEMA, Context
from orchestration.serving.problems import fault_of

router = APIRouter()


class Question(BaseModel):
    """A query as clients of GraphQL send it."""

    query: str = Field(min_length=1, max_length=20_000)
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the protocol's name


@router.post("/graphql", include_in_schema=False)
async def graphql(question: Question, asked: Inquiry) -> JSONResponse:
    """Answer a query."""
    try:
        result = await SCHEMA.execute(
            question.query,
            variable_values=question.variables,
            operation_name=question.operationName,
            context_value=Context(asked),
        )
    except CannotGetOperationTypeError:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY, "operationName: The query has no such operation."
        ) from None
    document: dict[str, Any] = {"data": result.data}
    if result.errors:
        document["errors"] = [_formatted(error) for error in result.errors]
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """Return an error as clients expect it; of what went wrong inside it says nothing."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        message = error.message
    elif error.path is None:
        # A check of the limits did not understand it: nothing was asked of the database.
        message = "The query is not valid."
    else:
        message = fault_of(cause)
    return {**error.formatted, "message": message}
