"""GraphQL types out of the shapes of the REST documents, under the same names."""

import datetime as dt
import types
from functools import cache
from typing import Any, Literal, NewType, Union, get_args, get_origin
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from orchestration.serving.api.shapes import Shape

Whole = NewType("Whole", int)


def _as_written(name: str, description: str) -> ScalarDefinition:
    """Return a scalar whose values PostgreSQL has written already."""
    return strawberry.scalar(
        name=name, description=description, serialize=lambda value: value, parse_value=str
    )


SCALARS: dict[object, ScalarDefinition] = {
    Whole: _as_written("Whole", "A whole number of any size."),
    dt.date: _as_written("Date", "A day, YYYY-MM-DD."),
    dt.datetime: _as_written("DateTime", "A moment, as ISO 8601 writes it."),
    UUID: _as_written("UUID", "An id."),
}
"""What GraphQL does not have itself, or only in 32 bits."""


@cache
def type_of(shape: type[Shape]) -> type[Any]:
    """Return the GraphQL type of a shape.

    Args:
        shape: The shape.

    Returns:
        The type; an amount of money stands in it twice, as in the document.
    """
    annotations: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for name, field in shape.model_fields.items():
        if name.endswith("_usd"):
            rounded = name.removesuffix("_usd")
            annotations[rounded] = float | None
            fields[rounded] = strawberry.field(description=f"{name} rounded.")
        annotations[name] = _annotation_of(field.annotation)
        fields[name] = strawberry.field(description=field.description)
    made = type(shape.__name__, (), fields | {"__annotations__": annotations})
    return strawberry.type(made, description=shape.__doc__)


def _annotation_of(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return Union[tuple(_annotation_of(part) for part in get_args(annotation))]  # noqa: UP007
    if get_origin(annotation) is list:
        return list[_annotation_of(get_args(annotation)[0])]  # type: ignore[misc]
    if get_origin(annotation) is Literal:
        return str
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return type_of(annotation)
    return Whole if annotation is int else annotation
