"""The OpenAPI document, and requests drawn from it: each is answered as the document says."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method
from support.serving import Served, org_admin, serving, token_header
from support.stories import Story

from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

# A stream, which has no end.
LEFT_OUT = ["/api/v1/analytics/live"]
# What a method that a path does not have is told needs no document, and a document cannot say that
# a first day must not be after the last.
NOT_ASKED = [unsupported_method, positive_data_acceptance]


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database) as found:
        yield found


@pytest.fixture(scope="module")
def principals(sample: Story) -> list[Principal]:
    (row,) = sample.rows(
        "select organization_id, user_id from marts.user_days order by total_tasks desc limit 1"
    )
    organization_id, user_id = UUID(row["organization_id"]), UUID(row["user_id"])
    return [org_admin(organization_id), Principal("developer", organization_id, user_id)]


@pytest.fixture(scope="module")
def drawn(served: Served) -> Any:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", served.app)
    return schema.exclude(path=LEFT_OUT)


def test_every_path_answers_as_its_document_says(
    drawn: Any, served: Served, principals: list[Principal]
) -> None:
    operations = [found.ok() for found in drawn.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:

        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            for principal in principals:
                response = case.call(session=served.client, headers=token_header(principal))
                case.validate_response(response, excluded_checks=NOT_ASKED)

        ask()


def test_every_path_has_a_description_and_an_example(served: Served) -> None:
    document = served.app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["description"], where
            assert operation["summary"], where
            assert {"401", "422", "429", "503"} <= operation["responses"].keys(), where
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (where, parameter["name"])
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name
