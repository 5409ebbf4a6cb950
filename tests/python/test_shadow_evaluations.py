"""Shadow evaluations land as they are reported, and nothing else that a gateway may say of them."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.events import (
    NOW,
    ORGANIZATION_ID,
    SECRET,
    evaluation,
    execution,
    line_of,
    organization,
    uuid_of,
)
from support.landing import rows, write
from support.servers import Database
from support.stories import Story

from orchestration.landing.contracts import Contract, ContractError
from orchestration.landing.loader import land

pytest_plugins = ["support.stories"]


def reason_of(line: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        Contract.at(NOW).decode(line)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"error": SECRET}, "unknown field error"),
        ({"prompt": SECRET}, "unknown field prompt"),
        ({"user_id": SECRET}, "unknown field user_id"),
        ({"execution_id": None}, "object missing required field execution_id"),
        ({"evaluated_at": None}, "object missing required field evaluated_at"),
        ({"judge_model": None}, "object missing required field judge_model"),
        ({"router": ""}, "router: expected str of length >= 1"),
        ({"tier": "x" * 256}, "tier: expected str of length <= 255"),
        ({"shadow_model": "two\nlines"},
         "shadow_model: contains a control character or a line break"),
        ({"direction": SECRET}, "direction: not an allowed value"),
        ({"outcome": "none"}, "outcome: not an allowed value"),
        ({"evaluated_at": "2019-12-31T23:59:59Z"}, "evaluated_at: before 2020"),
        ({"updated_at": "2026-03-01T09:59:59Z"}, "updated_at: before evaluated_at"),
        ({"confidence": 1.01}, "confidence: outside 0..1"),
        ({"confidence": -0.01}, "confidence: outside 0..1"),
        ({"is_real_cache_hit": SECRET}, "is_real_cache_hit: expected bool | null, got str"),
        ({"reported_real_cost_usd": -0.01}, "reported_real_cost_usd: outside 0..1000000"),
        ({"reported_shadow_cost_usd": 1_000_001}, "reported_shadow_cost_usd: outside 0..1000000"),
        ({"reported_judge_cost_usd": "NaN"}, "reported_judge_cost_usd: not a number"),
        ({"reported_shadow_classifier_cost_usd": -1},
         "reported_shadow_classifier_cost_usd: outside 0..1000000"),
    ],
)  # fmt: skip
def test_what_an_evaluation_may_not_say_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert reason_of(line_of(evaluation(**changes))) == reason


def test_a_field_that_is_given_twice_is_refused() -> None:
    line = line_of(evaluation()).replace(b"{", b'{"tier": "REASONING", ', 1)
    assert reason_of(line) == "tier: given twice"
    line = line_of(evaluation(confidence=None)).replace(b"{", b'{"outcome": "tie", ', 1)
    assert reason_of(line) == "outcome: given twice"


def test_evaluations_land_value_by_value_and_are_counted_in_the_ledger(
    database: Database, tmp_path: Path
) -> None:
    whole = evaluation()
    sparse = evaluation(
        2, outcome="error", real_model=None, shadow_model=None, tier=None, confidence=None,
        is_real_cache_hit=None, reported_real_cost_usd=None, reported_shadow_cost_usd=None,
        reported_judge_cost_usd=None, reported_real_classifier_cost_usd=None,
        reported_shadow_classifier_cost_usd=None,
    )  # fmt: skip
    refused = evaluation(3, error=SECRET)
    (landed,) = land([write(tmp_path / "evaluations.ndjson", [whole, sparse, refused])]).files
    assert (landed.lines_read, landed.lines_accepted, landed.lines_rejected) == (3, 2, 1)
    found = rows(
        database,
        "select jsonb_strip_nulls(to_jsonb(held)) from raw.shadow_evaluations as held "
        "order by _line_number",
    )
    for number, (event, held) in enumerate(zip((whole, sparse), found, strict=True), start=1):
        said = {name: value for name, value in event.items() if name != "event"}
        for name in ("evaluated_at", "updated_at"):
            assert datetime.fromisoformat(held[0].pop(name)) == datetime.fromisoformat(
                said.pop(name)
            )
        assert held[0] == said | {"_load_id": landed.load_id, "_line_number": number}
    assert rows(database, "select reason, organization_id::text from raw.rejected_events") == [
        ("unknown field error", ORGANIZATION_ID)
    ]
    assert rows(
        database,
        "select lines_accepted, shadow_evaluation_count, task_execution_count from raw.loads",
    ) == [(2, 2, 0)]
    # 0.05 + 0.02 + 0.004 + 0 + 0.001, no part of what anything cost.
    assert rows(
        database,
        "select event_kind, event_date, events, scores, amount_usd, other_units "
        "from ledger.landed_totals",
    ) == [
        (
            "shadow_evaluation",
            datetime(2026, 3, 1, tzinfo=UTC).date(),
            2,
            Decimal("0.75"),
            0,
            Decimal("0.075"),
        )
    ]


def test_evaluations_stand_beside_the_executions_that_they_judge(story: Story) -> None:
    story.land(
        organization(timezone="Asia/Tokyo"),
        execution(1),
        evaluation(1, evaluated_at="2026-03-01T15:00:00Z"),
        evaluation(2, direction="reverse", outcome="tie", reported_real_classifier_cost_usd=0.002),
    )
    story.build(with_tests=True)
    story.assert_reconciles()
    # As it lands: the view needs no build.
    story.land(
        evaluation(2, event_id=uuid_of(3), outcome="error", updated_at="2026-03-02T00:00:00Z")
    )
    found = {
        row["shadow_evaluation_id"]: row
        for row in story.rows("select * from marts.fct_shadow_evaluations")
    }
    first, second = (found[evaluation(number)["id"]] for number in (1, 2))
    (executed,) = story.rows("select cost_usd, task_type from marts.fct_task_executions")
    assert (first["cost_usd"], first["task_type"]) == (executed["cost_usd"], executed["task_type"])
    assert str(first["metric_date"]) == "2026-03-02"
    # 0.05 - (0.02 + 0.001); 0.004 + 0.02 + 0.001.
    assert first["measured_savings_usd"] == Decimal("0.029")
    assert first["evaluation_cost_usd"] == Decimal("0.025")
    assert (first["quality_verdict"], second["quality_verdict"]) == ("better", None)
    assert second["savings_status"] == "evaluation_failed"
