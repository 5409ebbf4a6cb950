"""Single executions and what figures are made of, over REST, against the oracle's facts."""

import base64
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from support.events import ATTRIBUTION, execution, organization, uuid_of
from support.oracle import Row
from support.serving import LOGIN, Served, org_admin, serving
from support.stories import Seeds, Story, price

from orchestration.exact_json import as_json
from orchestration.explain.gather import explain
from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

ALWAYS = {"start_date": "2000-01-01", "end_date": "2099-12-31"}
FIGURES: dict[str, tuple[str | None, Callable[[Row], bool]]] = {
    "savings": ("savings_usd", lambda fact: fact["savings_status"] == "compared"),
    "baseline": ("baseline_cost_usd", lambda fact: fact["savings_status"] == "compared"),
    "spend": ("cost_usd", lambda fact: fact["cost_usd"] is not None),
    "cost": (
        "cost_usd", lambda fact: fact["cost_usd"] is not None and fact["status"] == "completed"
    ),
    "unpriced": (None, lambda fact: fact["cost_usd"] is None),
    "tasks": (None, lambda _: True),
}  # fmt: skip
"""What an execution adds to each figure, and which executions do."""


def assert_documented(served: Served, response: Any, path: str, method: str = "get") -> Any:
    """Fail unless an answer is as the OpenAPI document says; return it."""
    document = served.app.openapi()
    (shape,) = (
        content["schema"]
        for kind, content in document["paths"][f"/api/v1/{path}"][method]["responses"][
            str(response.status_code)
        ]["content"].items()
        if kind == response.headers["content-type"]
    )
    found = response.json()
    jsonschema.validate(found, shape | {"components": document["components"]})
    return found


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database) as found:
        yield found


@pytest.fixture(scope="module")
def facts(sample: Story) -> dict[str, Row]:
    found: dict[str, Row] = dict(sample.oracle().task_executions)
    return found


@pytest.fixture(scope="module")
def organizations(facts: dict[str, Row]) -> list[str]:
    """Return the organizations, the largest first."""
    counted = Counter(str(fact["organization_id"]) for fact in facts.values())
    return [organization_id for organization_id, _ in counted.most_common()]


def of(facts: dict[str, Row], organization_id: str) -> dict[str, Row]:
    return {
        str(key): fact for key, fact in facts.items() if fact["organization_id"] == organization_id
    }


def newest_first(facts: dict[str, Row]) -> list[str]:
    return sorted(facts, key=lambda key: (facts[key]["start_time"], key), reverse=True)


def pages(
    served: Served, path: str, principal: Principal, **parameters: Any
) -> Iterator[dict[str, Any]]:
    while True:
        page = assert_documented(served, served.get(path, principal, **parameters), path)
        yield page
        if page["next_cursor"] is None:
            return
        assert page["next_cursor"] != parameters.get("cursor")
        parameters["cursor"] = page["next_cursor"]


def listed(served: Served, principal: Principal, **parameters: Any) -> list[dict[str, Any]]:
    return [
        row
        for page in pages(served, "executions", principal, **parameters)
        for row in page["executions"]
    ]


def exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def user_of(facts: dict[str, Row], organization_id: str) -> str:
    """Return who worked most in an organization."""
    counted = Counter(
        str(fact["user_id"]) for fact in of(facts, organization_id).values() if fact["user_id"]
    )
    return counted.most_common(1)[0][0]


def developer(organization_id: str, user_id: str) -> Principal:
    return Principal(
        "developer", org_admin(organization_id).organization_id, org_admin(user_id).organization_id
    )


def test_executions_are_those_of_the_oracle(
    served: Served, facts: dict[str, Row], organizations: list[str]
) -> None:
    for organization_id in organizations:
        expected = of(facts, organization_id)
        found = listed(served, org_admin(organization_id), limit=500, **ALWAYS)
        assert [row["execution_id"] for row in found] == newest_first(expected)
        for row in found:
            fact = expected[row["execution_id"]]
            for name in ("cost_usd", "baseline_cost_usd", "savings_usd"):
                assert exact(row[name]) == fact[name]
            for name in ("provider", "model", "status", "pricing_status", "savings_status"):
                assert row[name] == fact[name]
            assert row["metric_date"] == str(fact["metric_date"])


def test_parameters_choose_executions(
    served: Served, facts: dict[str, Row], organizations: list[str]
) -> None:
    expected = of(facts, organizations[0])
    some = expected[newest_first(expected)[len(expected) // 2]]
    days = {"start_date": "2026-10-07", "end_date": "2026-10-13"}
    first, last = dt.date(2026, 10, 7), dt.date(2026, 10, 13)
    for name in ("provider", "task_type", "status"):
        found = listed(served, org_admin(organizations[0]), limit=500, **days, **{name: some[name]})
        chosen = {
            key: fact
            for key, fact in expected.items()
            if fact[name] == some[name] and first <= fact["metric_date"] <= last
        }
        assert chosen
        assert [row["execution_id"] for row in found] == newest_first(chosen)


def test_any_limit_gives_the_same_list(
    served: Served, facts: dict[str, Row], organizations: list[str]
) -> None:
    expected = of(facts, organizations[0])
    day = expected[newest_first(expected)[100]]["metric_date"]
    days = {"start_date": str(day - dt.timedelta(days=1)), "end_date": str(day)}
    whole = newest_first(
        {
            key: fact
            for key, fact in expected.items()
            if day - dt.timedelta(days=1) <= fact["metric_date"] <= day
        }
    )
    assert len(whole) > 20
    for limit in (1, 2, 7, len(whole) - 1, len(whole), len(whole) + 1):
        found = list(pages(served, "executions", org_admin(organizations[0]), limit=limit, **days))
        assert [row["execution_id"] for page in found for row in page["executions"]] == whole
        assert len(found) == -(-len(whole) // limit)


def encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "wrong",
    [
        {"cursor": "x"},
        {"cursor": "-" * 40},
        {"cursor": "4pyTCg"},
        # A key, of no moment and of no id.
        {"cursor": encoded(f"2026-13-45T00:00:00.000000Z {uuid_of(1)}")},
        {"cursor": encoded("2026-10-31T00:00:00.000000Z " + "-" * 36)},
        {"cursor": encoded(f"infinity {uuid_of(1)}")},
        {"cursor": ""},
        {"limit": 0},
        {"limit": 501},
        {"status": "done"},
        {"provider": "a\0b"},
        {"unknown": "1"},
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(
    served: Served, organizations: list[str], wrong: dict[str, Any]
) -> None:
    response = served.get("executions", org_admin(organizations[0]), **wrong)
    assert response.status_code == 422, response.text
    assert next(iter(wrong)) in response.json()["detail"]


def test_an_execution_is_explained_as_the_command_does(
    served: Served, sample: Story, facts: dict[str, Row], organizations: list[str]
) -> None:
    expected = of(facts, organizations[0])
    by_status = {
        (fact["pricing_status"], fact["savings_status"], fact["status"]): key
        for key, fact in expected.items()
    }
    assert len(by_status) > 5
    for execution_id in by_status.values():
        fact = expected[execution_id]
        one = assert_documented_of(served, organizations[0], f"executions/{execution_id}")
        assert exact(one["cost_usd"]) == fact["cost_usd"]
        assert exact(one["net_savings_usd"]) == fact["net_savings_usd"]
        found = assert_documented_of(served, organizations[0], f"executions/{execution_id}/explain")
        assert found["execution"] == one
        with sample.database.connect() as connection:
            told = as_json(explain(connection, execution_id))
        for part in ("cost", "baseline", "savings"):
            for name in found[part].keys() & told[part].keys() - {
                "lines", "price", "usage_prices", "price_factors",
            }:  # fmt: skip
                assert found[part][name] == told[part][name], (part, name)
            assert found[part].get("agrees", True)
        lines = {line["part"]: line for line in found["cost"]["lines"]}
        assert sum(Decimal(line["cost_usd"]) for line in lines.values()) == (fact["cost_usd"] or 0)
        for line in told["cost"]["lines"]:
            if "cost_usd" in line and fact["cost_usd"] is not None:
                assert {
                    name: Decimal(lines[line["part"]][name])
                    for name in ("quantity", "usd_per_unit", "cost_usd")
                } == {
                    name: Decimal(line[name]) for name in ("quantity", "usd_per_unit", "cost_usd")
                }
        price_ids = found["cost"]["price"] and found["cost"]["price"]["price_id"]
        assert price_ids == (told["cost"]["price"] and told["cost"]["price"]["price_id"])
        assert len(found["cost"]["usage_prices"]) == len(told["cost"]["usage_prices"])
        assert len(found["cost"]["price_factors"]) == len(told["cost"]["price_factors"])
        ran = sample.rows(found["sql"])
        assert sum(row["cost_usd"] for row in ran) == (fact["cost_usd"] or 0)


def assert_documented_of(served: Served, organization_id: str, path: str) -> Any:
    parts = path.split("/")
    parts[1] = "{execution_id}"
    return assert_documented(served, served.get(path, org_admin(organization_id)), "/".join(parts))


def test_the_parts_of_a_figure_add_up_to_it(
    served: Served, sample: Story, facts: dict[str, Row], organizations: list[str]
) -> None:
    for organization_id in organizations[:2]:
        own = of(facts, organization_id)
        user_id = user_of(facts, organization_id)
        mine = {key: fact for key, fact in own.items() if fact["user_id"] == user_id}
        for figure, (amount, counts) in FIGURES.items():
            for principal, expected in (
                (org_admin(organization_id), own),
                (developer(organization_id, user_id), mine),
            ):
                found = assert_documented(
                    served, served.get("explain", principal, figure=figure, **ALWAYS), "explain"
                )
                made_of = [fact for fact in expected.values() if counts(fact)]
                assert found["tasks"] == len(made_of)
                assert sum(part["tasks"] for part in found["parts"]) == len(made_of)
                assert found["agrees"]
                assert all(part["has_executions"] for part in found["parts"])
                shown = found["top_executions"]
                assert len(shown) == min(10, len(made_of))
                if amount is None:
                    assert found["value_usd"] is None
                else:
                    value = sum((fact[amount] for fact in made_of), Decimal(0))
                    parts = [Decimal(part["amount_usd"]) for part in found["parts"]]
                    assert Decimal(found["value_usd"]) == sum(parts) == value
                    largest = sorted((abs(fact[amount]) for fact in made_of), reverse=True)[:10]
                    assert [abs(Decimal(one["amount_usd"])) for one in shown] == largest
                assert {one["execution_id"] for one in shown} <= expected.keys()
                if principal.role == "org_admin":
                    ran = as_json(sample.rows(found["sql"]))
                    assert [(row["price_id"], row["tasks"], row["amount_usd"]) for row in ran] == [
                        (part["price_id"], part["tasks"], part["amount_usd"])
                        for part in found["parts"]
                    ]
                    assert "marts.model_usage" in found["sources"]


def test_usage_without_a_price_is_named(
    served: Served, facts: dict[str, Row], organizations: list[str]
) -> None:
    own = of(facts, organizations[0])
    user_id = user_of(facts, organizations[0])
    for principal, expected in (
        (org_admin(organizations[0]), list(own.values())),
        (
            developer(organizations[0], user_id),
            [fact for fact in own.values() if fact["user_id"] == user_id],
        ),
    ):
        found = assert_documented(served, served.get("unpriced", principal, **ALWAYS), "unpriced")
        assert {
            (row["provider"], row["model"], row["reason"]): row["tasks"]
            for row in found["unpriced"]
        } == Counter(
            (fact["provider"], fact["model"], fact["pricing_status"])
            for fact in expected
            if fact["cost_usd"] is None
        )


def test_alerts_are_those_of_the_mart_open_ones_first(
    served: Served, sample: Story, organizations: list[str]
) -> None:
    for organization_id in organizations:
        expected = sample.rows(
            "select alert_id, is_open from fct_alerts where organization_id = %s", organization_id
        )
        for is_open in (None, True, False):
            chosen = {} if is_open is None else {"is_open": is_open}
            response = served.get("alerts", org_admin(organization_id), **chosen)
            found = assert_documented(served, response, "alerts")["alerts"]
            assert len(found) == sum(is_open in (None, row["is_open"]) for row in expected)
            opened = [alert["is_open"] for alert in found]
            assert opened == sorted(opened, reverse=True)


def test_no_answer_holds_anything_of_another_tenant(
    served: Served, sample: Story, facts: dict[str, Row], organizations: list[str]
) -> None:
    names = {
        str(row["organization_id"]): row["organization_name"]
        for row in sample.rows("select organization_id, organization_name from dim_organizations")
    }
    ours, theirs = organizations[:2]
    strange = of(facts, theirs)
    secrets = {theirs, names[theirs], *strange}
    secrets |= {str(fact["user_id"]) for fact in strange.values() if fact["user_id"]}
    secrets -= {str(fact["user_id"]) for fact in of(facts, ours).values()}
    mine = newest_first(of(facts, ours))
    paths = [
        "executions", f"executions/{mine[0]}", f"executions/{mine[0]}/explain", "alerts",
        "budgets", "unpriced", "corrections",
    ]  # fmt: skip
    asked: list[tuple[str, dict[str, str]]] = [(path, {}) for path in paths] + [
        ("explain", {"figure": name}) for name in FIGURES
    ]
    user_id = user_of(facts, ours)
    for principal in (org_admin(ours), developer(ours, user_id)):
        for path, parameters in asked:
            spans = {} if path.split("/")[0] in ("alerts", "budgets") else ALWAYS
            spans = {} if "/" in path else spans
            text = served.get(path, principal, **parameters, **spans).text
            assert not [secret for secret in secrets if secret in text], path
            named = served.get(path, principal, organization_id=theirs, **parameters)
            assert named.status_code == 403
    unknown = served.get(f"executions/{uuid_of(1)}", org_admin(ours))
    for suffix in ("", "/explain"):
        other = served.get(f"executions/{next(iter(strange))}{suffix}", org_admin(ours))
        assert (other.status_code, other.json()) == (404, unknown.json())
    # Nor, to a person, what others of the organization did.
    others = next(key for key in mine if of(facts, ours)[key]["user_id"] != user_id)
    own = {key for key in mine if of(facts, ours)[key]["user_id"] == user_id}
    me = developer(ours, user_id)
    assert served.get(f"executions/{others}", me).json() == unknown.json()
    assert {row["execution_id"] for row in listed(served, me, limit=500, **ALWAYS)} == own
    explained = assert_documented(
        served,
        served.get(f"executions/{min(own)}/explain", me),
        "executions/{execution_id}/explain",
    )
    assert explained["cost"]["agrees"]
    for path in ("alerts", "budgets", "corrections"):
        assert served.get(path, me).status_code == 403


def test_every_answer_and_every_refusal_is_recorded(
    served: Served, sample: Story, facts: dict[str, Row], organizations: list[str]
) -> None:
    ours, theirs = organizations[:2]
    me = developer(ours, user_of(facts, ours))
    strange = next(iter(of(facts, theirs)))

    def recorded() -> Counter[tuple[str, bool]]:
        return Counter(
            (row["resource_id"], row["is_denied"])
            for row in sample.rows(
                "select resource_id, is_denied from audit.audit_log "
                "where organization_id = %s and login = %s and action = 'view_analytics'",
                ours,
                LOGIN,
            )
        )

    before = recorded()
    served.get("unpriced", me)
    served.get("unpriced", me)
    served.get("budgets", me)
    served.get(f"executions/{strange}", me)
    served.get("executions", me, organization_id=theirs)
    assert recorded() - before == Counter(
        {
            ("/api/v1/unpriced", False): 2,
            ("/api/v1/budgets", True): 1,
            (f"/api/v1/executions/{strange}", True): 1,
            ("/api/v1/executions", True): 1,
        }
    )


def test_pages_corrections_and_budgets_of_a_warehouse_at_work(story: Story, seeds: Seeds) -> None:
    """Rows land while somebody pages, a price is corrected, and a month goes on."""
    ours = str(uuid_of(50))
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    today = now.date()
    seeds.add(
        "provider_pricing",
        price("anthropic", "claude-of-a-story", recorded_at="2026-11-28T01:00:00Z"),
    )

    def done(number: int, start: dt.datetime, **changes: Any) -> dict[str, Any]:
        return execution(
            number, organization_id=ours, model="claude-of-a-story", service_tier=None,
            start_time=start.isoformat(), end_time=(start + dt.timedelta(seconds=9)).isoformat(),
            updated_at=(start + dt.timedelta(seconds=10)).isoformat(), reported_cost_usd=None,
            input_tokens=1_000_000, cached_input_tokens=None, cache_write_tokens=None,
            output_tokens=0, reasoning_tokens=None, **changes,
        )  # fmt: skip

    begin = dt.datetime.combine(today.replace(day=1), dt.time(1), dt.UTC)
    starts = [begin - dt.timedelta(days=1), *[begin + dt.timedelta(minutes=n) for n in range(8)]]
    story.land(
        organization(id=ours, timezone="UTC", monthly_budget_usd=1000),
        *(done(100 + number, start) for number, start in enumerate(starts)),
    )
    story.build(now=None)
    days = {"start_date": str(begin.date() - dt.timedelta(days=1)), "end_date": str(today)}
    with serving(story.database) as served:
        principal = org_admin(ours)
        first = served.get("executions", principal, limit=4, **days).json()
        budget = assert_documented(served, served.get("budgets", principal), "budgets")
    spend = 8 * 7
    complete = (today - today.replace(day=1)).days
    assert Decimal(budget["spend_usd"]) == spend
    assert budget["complete_days"] == complete
    assert budget["share_used"] == spend / 1000
    if complete:
        projected = Fraction(spend * budget["days_in_month"], complete)
        assert abs(Fraction(budget["projected_spend_usd"]) - projected) < Fraction(1, 10**11)
        assert budget["unknown_because"] == []

    # Newer ones, one in the moment of the last row, and an older one; and the price doubles.
    story.land(
        *(done(200 + number, begin + dt.timedelta(hours=1, minutes=number)) for number in range(3)),
        done(300, starts[-4], **ATTRIBUTION),
        done(301, starts[2] + dt.timedelta(seconds=1)),
    )
    seeds.add(
        "provider_pricing",
        price("anthropic", "claude-of-a-story", recorded_at="2026-11-28T02:00:00Z",
              input_usd_per_mtok="14"),
    )  # fmt: skip
    story.build(now=None)
    with serving(story.database) as served:
        rest = listed(served, principal, limit=4, cursor=first["next_cursor"], **days)
        paged = [row["execution_id"] for row in [*first["executions"], *rest]]
        assert len(set(paged)) == len(paged)
        later = {str(uuid_of(1_000_200 + number)) for number in range(3)}
        whole = [row["execution_id"] for row in listed(served, principal, limit=500, **days)]
        last = (first["executions"][-1]["start_time"], first["executions"][-1]["execution_id"])
        before_the_page = later | (
            {str(uuid_of(1_000_300))} if (starts[-4].isoformat(), str(uuid_of(1_000_300))) > last
            else set()
        )  # fmt: skip
        assert paged == [one for one in whole if one not in before_the_page]
        assert str(uuid_of(1_000_301)) in paged

        whose = served.get(f"executions/{uuid_of(1_000_300)}", principal).json()
        assert whose["tags"] == ["nightly", "größe: xl"]
        assert (whose["source"], whose["team"], whose["project"], whose["repository"]) == (
            "litellm", "payments", "checkout", "acme/shop",
        )  # fmt: skip
        assert whose["time_to_first_token_ms"] == 412

        found = list(pages(served, "corrections", principal, limit=4, **days))
        corrected = [row for page in found for row in page["corrections"]]
        assert sorted(row["execution_id"] for row in corrected) == sorted(
            str(uuid_of(1_000_100 + number)) for number in range(9)
        )
        for page in found:
            (total,) = page["totals"]
            assert (total["reason"], total["corrections"]) == ("price", 9)
            assert Decimal(total["cost_delta_usd"]) == 9 * 7
        figure = served.get("explain", principal, figure="spend", **days).json()
        assert Decimal(figure["value_usd"]) == 14 * 14
        assert Decimal(figure["corrections"][0]["cost_delta_usd"]) == 9 * 7
        one = served.get(f"executions/{corrected[0]['execution_id']}/explain", principal).json()
        assert [Decimal(row["cost_delta_usd"]) for row in one["corrections"]] == [7]
        assert served.get("budgets", principal).json()["spend"] == 13 * 14

    def without(condition: str, *values: Any) -> dict[str, Any]:
        with story.database.connect(autocommit=True) as connection:
            connection.execute(
                f"delete from marts.fct_task_executions where {condition}".encode(),  # noqa: S608
                values,
            )
        with serving(story.database) as served:
            left = served.get("explain", principal, figure="spend", **days).json()
        assert (left["value_usd"], left["tasks"]) == (figure["value_usd"], figure["tasks"])
        return dict(left)

    # What is missing is told; of what retention takes out, the oldest, the sums are a part.
    assert not without("execution_id = %s", uuid_of(1_000_301))["agrees"]
    left = without("start_time < %s", begin)
    assert left["agrees"]
    assert [
        (part["tasks"], part["amount_usd"]) for part in left["parts"] if not part["has_executions"]
    ] == [(2, "28.000000000000")]
    assert sum(Decimal(part["amount_usd"]) for part in left["parts"]) == 14 * 14
