"""The types of fields that events of several kinds have."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

MAXIMUM_COUNT = 10**12

ShortText = Annotated[str, Meta(min_length=1, max_length=255)]
CellText = Annotated[str, Meta(max_length=200)]
FewIdentifiers = Annotated[str, Meta(min_length=1, max_length=64)]
"""An identifier of which there are few, so that each is looked at once: patterns are slow."""

Identifier = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_.-]*\Z")
]
LongIdentifier = Annotated[
    str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9_.-]*\Z")
]
Label = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*\Z")]
"""A word of a list that somebody made, such as a plan or a campaign: nobody can write in it."""

Reference = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/#|-]*\Z")
]
"""What another system calls something, such as a ticket: it has no spaces and is no address."""

PagePath = Annotated[str, Meta(max_length=255, pattern=r"^/[A-Za-z0-9_./-]*\Z")]
"""The path of a page, without what stands behind `?` or `#`, where people and words may stand."""

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
Count = Annotated[int, Meta(ge=0, le=MAXIMUM_COUNT)]
SmallInteger = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Moment = Annotated[datetime, Meta(tz=True)]
