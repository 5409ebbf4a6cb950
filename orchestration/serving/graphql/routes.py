"""`POST /graphql`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from graphql import GraphQLError
from pydantic import BaseModel, Field

from orchestration.serving.api.requests import Asked
from orchestration.serving.graphql.schema import SCHEMA, Context
from orchestration.serving.problems import fault_of

router = APIRouter()


class Question(BaseModel):
    """A query as clients of GraphQL send it."""

    query: str = Field(max_length=20_000)
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the protocol's name


@router.post("/graphql", include_in_schema=False)
async def graphql(question: Question, asked: Annotated[Asked, Depends()]) -> JSONResponse:
    """Answer a query."""
    result = await SCHEMA.execute(
        question.query,
        variable_values=question.variables,
        operation_name=question.operationName,
        context_value=Context(asked),
    )
    document: dict[str, Any] = {"data": result.data}
    if result.errors:
        document["errors"] = [_formatted(error) for error in result.errors]
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """Return an error as clients expect it; of what went wrong inside it says nothing."""
    cause = error.original_error
    is_of_query = cause is None or isinstance(cause, GraphQLError)
    return {**error.formatted, "message": error.message if is_of_query else fault_of(cause)}
