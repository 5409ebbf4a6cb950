"""The organizations of a warehouse, and what a client of each needs to ask about it."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from orchestration.serving.principal import Principal
from orchestration.serving.settings import local_keys

_TOKEN_HOURS = 12
_TENANTS = """
select
    organization_id,
    min(metric_date) as first_day,
    array_agg(distinct provider) as providers,
    array_agg(distinct task_type) as task_types,
    array_agg(distinct user_id) filter (where user_id is not null) as user_ids,
    array_agg(execution_id) as execution_ids
from marts.fct_task_executions
group by organization_id
order by count(*) desc
"""


@dataclass(frozen=True)
class Tenant:
    """An organization.

    Attributes:
        organization_id: Its id.
        first_day: The first day of which it has executions.
        providers: Those that it uses.
        task_types: Of its executions.
        user_ids: Who does them.
        execution_ids: All of them.
    """

    organization_id: UUID
    first_day: dt.date
    providers: list[str]
    task_types: list[str]
    user_ids: list[UUID]
    execution_ids: list[UUID]

    @cached_property
    def token(self) -> str:
        """A token by which everything of it is seen."""
        return self.token_of("org_admin")

    def token_of(self, role: str, user_id: UUID | None = None) -> str:
        """Return a token of somebody in it.

        Args:
            role: What it may see.
            user_id: Who, None for a program.

        Returns:
            The token.
        """
        who = Principal(role, self.organization_id, user_id)
        return local_keys().token_for(who, dt.timedelta(hours=_TOKEN_HOURS))


def tenants_of(owner: psycopg.Connection) -> list[Tenant]:
    """Return the organizations, first the one that did most.

    Args:
        owner: Of the warehouse, which sees them all.

    Returns:
        The organizations.
    """
    with owner.cursor(row_factory=class_row(Tenant)) as cursor:
        return cursor.execute(_TENANTS).fetchall()
