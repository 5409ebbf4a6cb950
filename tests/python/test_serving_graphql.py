"""GraphQL: the figures of REST, for the same tenants, within limits."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from support.events import ORGANIZATION_ID, USER_ID, execution, organization, user, uuid_of
from support.serving import Served, org_admin, serving, settings_for, token_header
from support.stories import ROWS, Story, copy_of

from orchestration.serving.graphql.schema import DEEPEST, MOST_ALIASES, SCHEMA
from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

OTHER = uuid_of(77)
MINE = org_admin(ORGANIZATION_ID)
RANGE = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "savings_summary": ("analytics/savings/summary", RANGE | {"period": "week"}),
    "costs": ("analytics/costs", RANGE | {"provider": "openai"}),
    "costs_by_provider": ("analytics/costs/by-provider", RANGE),
    "task_performance": ("analytics/tasks/performance", RANGE | {"task_type": "review"}),
    "usage": ("analytics/usage/metrics", RANGE | {"period": "month"}),
    "executions": ("executions", RANGE | {"limit": 2}),
    "alerts": ("alerts", {"is_open": True}),
    "budget": ("budgets", {}),
}
"""The REST path whose document each root field is, and what to ask it."""


@pytest.fixture(scope="module")
def small_story(
    embedded_server: Any, built_on_nothing: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("graphql")
    with copy_of(built_on_nothing(embedded_server), embedded_server, folder) as story:
        story.land(
            organization(),
            organization(id=OTHER, event_id=uuid_of(501), name="Another"),
            user(),
            execution(1),
            execution(2, provider="openai", model="gpt-4o"),
            execution(3, status="failed", task_type="review"),
            execution(4, model="without-a-price"),
            execution(5, organization_id=OTHER, user_id=uuid_of(9), model="secret-model"),
        )
        story.build(ROWS)
        yield story


@pytest.fixture(scope="module")
def served(small_story: Story) -> Iterator[Served]:
    with serving(small_story.database) as found:
        yield found


def posted(served: Served, query: str, principal: Principal | None = MINE, **more: Any) -> Any:
    return served.client.post(
        "/graphql", json={"query": query} | more, headers=token_header(principal)
    )


def asked(served: Served, query: str, principal: Principal | None = MINE, **more: Any) -> Any:
    answer = posted(served, query, principal, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def faults(served: Served, query: str, principal: Principal | None = MINE, **more: Any) -> str:
    return " ".join(error["message"] for error in asked(served, query, principal, **more)["errors"])


def everything(kind: Any) -> str:
    """Return a selection of all fields of a type."""
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    if not hasattr(kind, "fields"):
        return ""
    return (
        "{" + " ".join(name + everything(field.type) for name, field in kind.fields.items()) + "}"
    )


def root_fields() -> dict[str, Any]:
    found = SCHEMA._schema.query_type
    assert found is not None
    return dict(found.fields)


def written(arguments: dict[str, Any]) -> str:
    said = (
        f"{name}: {str(value).lower() if not isinstance(value, str) else chr(34) + value + chr(34)}"
        for name, value in arguments.items()
    )
    return f"({', '.join(said)})" if arguments else ""


@pytest.mark.parametrize("name", PATHS)
def test_a_root_field_is_the_document_of_its_path(served: Served, name: str) -> None:
    path, arguments = PATHS[name]
    query = f"{{ {name}{written(arguments)} {everything(root_fields()[name].type)} }}"
    document = served.get(path, MINE, **arguments).json()
    assert document
    assert asked(served, query) == {"data": {name: document}}


def test_there_are_no_other_root_fields_and_nothing_writes(served: Served) -> None:
    assert root_fields().keys() == PATHS.keys()
    assert SCHEMA._schema.mutation_type is None
    assert SCHEMA._schema.subscription_type is None
    document = asked(served, "{ __schema { queryType { name } mutationType { name } } }")
    assert document["data"]["__schema"] == {"queryType": {"name": "Query"}, "mutationType": None}
    assert served.client.get("/graphql", headers=token_header(MINE)).status_code == 405


def test_a_client_picks_what_it_wants_with_variables(served: Served) -> None:
    query = """
        query Two($start: String, $end: String) {
            savings_summary(start_date: $start, end_date: $end) { total_tasks total_spend_usd }
            openai: costs(start_date: $start, end_date: $end, provider: "openai") {
                totals { tasks }
            }
        }
    """
    variables = {"start": RANGE["start_date"], "end": RANGE["end_date"]}
    data = asked(served, query, variables=variables, operationName="Two")["data"]
    document = served.get("analytics/savings/summary", MINE, **RANGE).json()
    assert data == {
        "savings_summary": {
            "total_tasks": 4, "total_spend_usd": document["total_spend_usd"],
        },
        "openai": {"totals": {"tasks": 1}},
    }  # fmt: skip


def test_tenants_do_not_see_each_other(served: Served) -> None:
    for name, (_, arguments) in PATHS.items():
        selection = everything(root_fields()[name].type)
        text = posted(served, f"{{ {name}{written(arguments)} {selection} }}").text
        assert "secret-model" not in text
        assert OTHER not in text
        refused = asked(served, f'{{ {name}(organization_id: "{OTHER}") {selection} }}')
        assert refused["data"] == {name: None}
        assert refused["errors"][0]["message"] == "The token is for another organization."
        assert refused["errors"][0]["path"] == [name]
    query = f"{{ costs{written(RANGE)} {{ by_model {{ model }} }} }}"
    theirs = asked(served, query, org_admin(OTHER))["data"]["costs"]
    assert theirs == {"by_model": [{"model": "secret-model"}]}


def test_people_see_their_own_rows_and_nothing_of_the_organization(served: Served) -> None:
    somebody = Principal("developer", UUID(ORGANIZATION_ID), UUID(uuid_of(5)))
    mine = Principal("developer", UUID(ORGANIZATION_ID), UUID(USER_ID))
    query = f"{{ savings_summary{written(RANGE)} {{ total_tasks }} }}"
    assert asked(served, query, somebody)["data"] == {"savings_summary": {"total_tasks": 0}}
    assert asked(served, query, mine)["data"] == {"savings_summary": {"total_tasks": 4}}
    for field in ("budget { month }", "alerts { alerts { rule } }"):
        assert "whole organization" in faults(served, f"{{ {field} }}", mine)


def test_who_shows_no_token_is_refused(served: Served) -> None:
    answer = posted(served, "{ __typename }", None)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_what_goes_too_deep_or_asks_too_much_at_once_is_refused(served: Served) -> None:
    # The schema itself has no circle: only fragments and introspection could go on.
    deep = "{ __schema { types " + "{ fields { type " * 200 + "{ name }" + "} }" * 200 + " } }"
    assert "nested too deeply" in faults(served, deep)
    deep = "{ __schema { types " + "{ fields { type " * 4 + "{ name }" + "} }" * 4 + " } }"
    assert "Maximum introspection depth exceeded" in faults(served, deep)
    long = f"{{ budget {{ {'month ' * 1_000} }} }}"
    assert "Document contains more than 1000 tokens" in faults(served, long)
    deepest = max(_depth(everything(field.type)) for field in root_fields().values())
    assert deepest < DEEPEST
    circle = "query { ...a } fragment a on Query { ...b } fragment b on Query { ...a }"
    assert "itself" in faults(served, circle)
    aliases = " ".join(f"a{n}: budget {{ month }}" for n in range(MOST_ALIASES + 1))
    assert "aliases found" in faults(served, f"{{ {aliases} }}")
    spread = f"query {{ ...a }} fragment a on Query {{ {aliases} }}"
    assert "aliases found" in faults(served, spread)
    assert posted(served, "{" + " " * 20_001 + "}").status_code == 422


def test_a_request_that_asks_nothing_is_told_so(served: Served) -> None:
    for query in ("query One { budget { month } }", "fragment a on Query { __typename }"):
        answer = posted(served, query, operationName="Another")
        assert (answer.status_code, "operationName" in answer.text) == (422, True), answer.text
    assert posted(served, "").status_code == 422


def _depth(selection: str) -> int:
    depth = deepest = 0
    for character in selection:
        depth += {"{": 1, "}": -1}.get(character, 0)
        deepest = max(deepest, depth)
    return deepest


def test_every_root_field_counts(small_story: Story) -> None:
    query = f"{{ a: costs{written(RANGE)} {{ totals {{ tasks }} }} b: budget {{ month }} }}"
    with serving(small_story.database, requests_per_minute=3) as served:
        assert "errors" not in asked(served, query)
        assert "Only 3 requests a minute" in faults(served, query)
        assert posted(served, query).status_code == 429


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (" ", "Syntax Error"),
        ("{", "Syntax Error"),
        ("{ ...nothing }", "The query is not valid."),
        ("{ revenue }", "Cannot query field 'revenue'"),
        ("{ budget { secret } }", "Cannot query field 'secret'"),
        ("mutation { budget { month } }", "mutation"),
        ("subscription { budget { month } }", "subscription"),
        ('{ costs(start_date: "yesterday") { totals { tasks } } }', "start_date: "),
        ("{ costs(start_date: 0) { totals { tasks } } }", "String cannot represent"),
        ('{ costs(period: "hour") { totals { tasks } } }', "period: Input should be"),
        ('{ costs(provider: "\\u0000") { totals { tasks } } }', "provider: "),
        ("{ executions(limit: 501) { next_cursor } }", "limit: Input should be less"),
        ('{ executions(cursor: "x") { next_cursor } }', "cursor: "),
        ('{ executions(status: "won") { next_cursor } }', "status: Input should be"),
        ('{ costs(sql: "select 1") { totals { tasks } } }', "Unknown argument 'sql'"),
    ],
)
def test_a_wrong_query_is_told_what_is_wrong(served: Served, query: str, fault: str) -> None:
    assert fault in faults(served, query)


def test_a_strange_filter_finds_nothing_and_does_nothing(served: Served) -> None:
    for provider in ("'; drop table marts.x; --", "%(x)s", "{{ usage }}", "set role postgres"):
        query = "query ($it: String) { costs(provider: $it) { totals { tasks } } }"
        found = asked(served, query, variables={"it": provider})
        assert found == {"data": {"costs": {"totals": {"tasks": 0}}}}


def test_a_database_that_is_away_is_said_without_its_message(small_story: Story) -> None:
    nowhere = settings_for(small_story.database).database | {"port": 1}
    with serving(small_story.database, database=nowhere) as served:
        query = "{ budget { month } }"
        assert faults(served, query) == "The warehouse cannot answer now. Try again."


def test_each_root_field_is_recorded_before_it_is_shown(served: Served, small_story: Story) -> None:
    def audited() -> list[Any]:
        return small_story.rows(
            "select action, resource_id, organization_id, is_denied, details "
            "from audit.audit_log where resource_id = '/graphql' order by created_at"
        )

    before = len(audited())
    asked(served, f"{{ costs{written(RANGE)} {{ totals {{ tasks }} }} budget {{ month }} }}")
    asked(served, f'{{ budget(organization_id: "{OTHER}") {{ month }} }}')
    posted(served, "{ __typename }", None)
    *shown, denied, unknown = audited()[before:]
    assert {row["details"]["field"] for row in shown} == {"costs", "budget"}
    assert next(row for row in shown if row["details"]["field"] == "costs") == {
        "action": "view_analytics",
        "resource_id": "/graphql",
        "organization_id": ORGANIZATION_ID,
        "is_denied": False,
        "details": {"role": "org_admin", "field": "costs", "arguments": RANGE},
    }
    assert (denied["is_denied"], unknown["is_denied"]) == (True, True)
