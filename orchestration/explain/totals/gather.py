"""What a total consists of."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row

from orchestration.errors import WarehouseError
from orchestration.selection import days_of, organization_called, user_called

Document = dict[str, Any]

_SUMS = """
    cast(coalesce(sum(total_tasks), 0) as bigint) as total_tasks,
    cast(coalesce(sum(unpriced_tasks), 0) as bigint) as unpriced_tasks,
    coalesce(sum(total_spend_usd), 0) as total_spend_usd,
    coalesce(sum(total_cost_usd), 0) as total_cost_usd,
    coalesce(sum(total_baseline_cost_usd), 0) as total_baseline_cost_usd,
    coalesce(sum(total_savings_usd), 0) as total_savings_usd"""

_LARGEST = """
select
    execution_id,
    start_time,
    provider,
    model,
    user_id,
    total_spend_usd as cost_usd,
    price_id
from (
{rows}
) as executions
where unpriced_tasks = 0
order by total_spend_usd desc, execution_id
limit 10"""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        organization: Its id or name.
        period: A month, as 2026-10, or a day, as 2026-10-31, in its reporting time zone.
        provider: Only what this provider did; None for all.
        model: Only what this model did; None for all.
        user: Only what this user asked for, by id or name; None for all.
    """

    organization: str
    period: str
    provider: str | None = None
    model: str | None = None
    user: str | None = None


def explain(connection: psycopg.Connection, question: Question) -> Document:
    """Take a total apart.

    Args:
        connection: To the warehouse's database.
        question: What is asked.

    Returns:
        A document with these keys; each part has `sql`, the query to ask again, and `rows`:

        - `asked`: the organization, the user, the days and the rest of the question.
        - `published`: the same total as the mart shows it; None where no mart has it.
        - `total`: one row with tasks and USD.
        - `by_provider`, `by_model`, `by_price`: the same of each; prices come from the facts, and
          `is_complete` tells whether those of all executions still stand there.
        - `largest`: the ten executions that cost most.
        - `corrections`: how published costs changed, by reason.
        - `unpriced`: executions without a cost, by reason.
        - `agrees`, `disagreements`: whether all parts add up to the total and that is the mart's.

    Raises:
        WarehouseError: The marts are not built, or the organization, the user or the period is not
            known.
    """
    first_day, day_after = days_of(question.period)
    try:
        organization = organization_called(connection, question.organization)
        parameters = {
            "organization_id": organization["organization_id"],
            "first_day": first_day,
            "day_after": day_after,
            "provider": question.provider,
            "model": question.model,
            "user_id": None,
        }
        user = (
            user_called(connection, organization["organization_id"], question.user)
            if question.user
            else None
        )
        parameters["user_id"] = user and user["user_id"]
        return _document(connection, question, parameters, organization, user)
    except psycopg.errors.UndefinedTable:
        raise WarehouseError("The marts are not built yet: run `make build`.") from None


def _document(
    connection: psycopg.Connection,
    question: Question,
    parameters: dict[str, Any],
    organization: dict[str, Any],
    user: dict[str, Any] | None,
) -> Document:

    def text(name: str) -> str:
        """Return a query without the conditions that nobody asked for."""
        unasked = [f"%({key})s" for key, value in parameters.items() if value is None]
        lines = _text(name).splitlines()
        return "\n".join(line for line in lines if not any(key in line for key in unasked))

    facts = text("facts")
    # People stand beside providers in the facts only.
    usage = facts if user else text("usage")

    def part(query: str) -> dict[str, Any]:
        asked = psycopg.ClientCursor(connection).mogrify(query.encode(), parameters)
        with connection.cursor(row_factory=dict_row) as cursor:
            return {"sql": asked, "rows": cursor.execute(asked.encode()).fetchall()}

    def by(columns: str, rows: str, condition: str = "") -> dict[str, Any]:
        return part(
            f"select\n    {columns},{_SUMS}\nfrom (\n{rows}\n) as usage\n{condition}"
            f"group by {columns}\norder by total_spend_usd desc, {columns}"
        )

    published = None
    if question.provider is None and question.model is None:
        mart = "user_days" if user else "organization_days"
        published = part(text("published").format(mart=mart))
    by_price = by("price_id, provider, model, pricing_status", facts)
    document: Document = {
        "asked": {
            "organization": organization,
            "user": user,
            "provider": question.provider,
            "model": question.model,
            "first_day": parameters["first_day"],
            "day_after": parameters["day_after"],
        },
        "published": published,
        "total": part(f"select{_SUMS}\nfrom (\n{usage}\n) as usage"),
        "by_provider": by("provider", usage),
        "by_model": by("provider, model", usage),
        "by_price": by_price,
        "largest": part(_LARGEST.format(rows=facts)),
        "corrections": part(text("corrections")),
        "unpriced": by("pricing_status", usage, "where unpriced_tasks > 0\n"),
    }
    total = document["total"]["rows"][0]
    by_price["is_complete"] = _sum(by_price, "total_tasks") == total["total_tasks"]
    disagreements = _disagreements(document, total)
    return document | {"agrees": not disagreements, "disagreements": disagreements}


def _disagreements(document: Document, total: dict[str, Any]) -> list[str]:
    """Say which parts do not add up to the total."""
    names = ["by_provider", "by_model"]
    if document["by_price"]["is_complete"]:
        names.append("by_price")
    if document["published"]:
        names.append("published")
    return [
        f"{measure} of {name.replace('_', ' ')} is {_sum(document[name], measure):f} "
        f"and of the total {total[measure]:f}."
        for name in names
        for measure in ("total_tasks", "total_spend_usd")
        if _sum(document[name], measure) != total[measure]
    ]


def _sum(part: dict[str, Any], measure: str) -> Any:
    return sum(row[measure] for row in part["rows"])


def _text(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8").rstrip()
