"""The analytics paths: their documents hold what the oracle computes from the same events."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from support.serving import Served, org_admin, serving
from support.stories import Story

pytest_plugins = ["support.stories"]


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database) as found:
        yield found


def test_savings_are_those_of_the_completed_executions(served: Served, sample: Story) -> None:
    facts = sample.oracle().task_executions
    organizations = {fact["organization_id"] for fact in facts.values()}
    for organization_id in organizations:
        compared = [
            fact
            for fact in facts.values()
            if fact["organization_id"] == organization_id and fact["savings_status"] == "compared"
        ]
        answer = served.get(
            "analytics/savings/summary",
            org_admin(organization_id),
            start_date="2000-01-01",
            end_date="2099-12-31",
        ).json()
        assert Decimal(answer["total_savings_usd"]) == sum(fact["savings_usd"] for fact in compared)
        assert answer["compared_tasks"] == len(compared)
