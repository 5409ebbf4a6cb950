"""The landing contract: which lines are accepted, and what a refusal says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.events import (
    ATTRIBUTION,
    NOW,
    ORGANIZATION_ID,
    SECRET,
    adjustment,
    decision,
    execution,
    line_of,
    organization,
    user,
)

from orchestration.landing.contracts import (
    Adjustment,
    Contract,
    ContractError,
    RoutingDecision,
    TaskExecution,
)


def reason_of(line: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        Contract.at(NOW).decode(line)
    return str(caught.value)


def test_a_complete_execution_is_taken_over_field_by_field() -> None:
    event = Contract.at(NOW).decode(line_of(execution()))
    assert isinstance(event, TaskExecution)
    assert event.start_time == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert event.end_time == datetime(2026, 3, 1, 10, 0, 8, 500_000, tzinfo=UTC)
    assert event.reported_cost_usd == Decimal("0.00714")
    assert (event.input_tokens, event.cached_input_tokens, event.cache_write_tokens) == (
        1000,
        300,
        100,
    )
    assert event.metadata == {"client": "cli", "attempt": 2, "stream": True, "temperature": 0.7}


def test_decimals_are_never_rounded_through_binary_floats() -> None:
    line = line_of(execution()).replace(b"0.00714", b"0.123456789012345678901234567890")
    event = Contract.at(NOW).decode(line)
    assert isinstance(event, TaskExecution)
    assert event.reported_cost_usd == Decimal("0.123456789012345678901234567890")


def test_the_request_count_is_one_unless_given() -> None:
    event = Contract.at(NOW).decode(line_of(execution(request_count=None)))
    assert isinstance(event, TaskExecution)
    assert event.request_count == 1


@pytest.mark.parametrize("event", [decision(), organization(), user(), adjustment()])
def test_each_other_kind_is_accepted(event: dict[str, Any]) -> None:
    decoded = Contract.at(NOW).decode(line_of(event))
    assert str(decoded.event_id) == event["event_id"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start_time": "2026-03-01T10:00:00"}, "start_time: a time needs an offset from UTC"),
        ({"start_time": "yesterday"}, "start_time: not an ISO 8601 time with an offset"),
        (
            {"start_time": 17672256000},
            "start_time: a number that is no epoch time in seconds or milliseconds",
        ),
        ({"start_time": 1577836799}, "start_time: before 2020"),
        ({"updated_at": "2026-03-01T09:59:59.999Z"}, "updated_at: before start_time"),
        ({"start_time": "2019-12-31T23:59:59Z"}, "start_time: before 2020"),
        ({"start_time": "2020-01-01T00:00:00+02:00"}, "start_time: before 2020"),
        ({"start_time": "0001-01-01T00:00:00+14:00"}, "start_time: before 2020"),
        ({"updated_at": "2026-06-02T12:00:01Z"}, "updated_at: more than a day ahead"),
        ({"end_time": "2026-06-02T12:00:01Z"}, "end_time: more than a day ahead"),
        ({"end_time": "2026-03-01T09:59:59.999999Z"}, "end_time: before start_time"),
        ({"end_time": "2026-03-01T11:59:59+02:00"}, "end_time: before start_time"),
        ({"status": SECRET}, "status: not one of pending, running, completed, failed"),
        ({"service_tier": SECRET + "!" * 64}, "service_tier: expected str of length <= 64"),
        ({"service_tier": "two words"}, "service_tier: not an identifier"),
        ({"service_tier": "1st"}, "service_tier: not an identifier"),
        ({"region": "eu-central-1\n"}, "region: not an identifier"),
        ({"region": "x" * 129}, "region: expected str of length <= 128"),
        (
            {"event": SECRET},
            "event: not one of task_execution, routing_decision, organization, user, adjustment, "
            "agent_event, provider_event, billing_event, customer_event, support_event, web_event, "
            "shadow_evaluation",
        ),
        ({"event": None}, "object missing required field event"),
        ({"provider": None}, "object missing required field provider"),
        ({"provider": ""}, "provider: expected str of length >= 1"),
        ({"provider": "x" * 256}, "provider: expected str of length <= 255"),
        ({"provider": 5}, "provider: expected str, got int"),
        ({"provider": "a\nb"}, "provider: contains a control character or a line break"),
        ({"provider": "a\u0085b"}, "provider: contains a control character or a line break"),
        ({"provider": "a\x7fb"}, "provider: contains a control character or a line break"),
        ({"task_id": "a\x00b"}, "task_id: contains a NUL character"),
        ({"error_message": "a\x00b"}, "error_message: contains a NUL character"),
        ({"id": SECRET}, "id: not a UUID"),
        ({"input_tokens": -1}, "input_tokens: expected int >= 0"),
        ({"input_tokens": 10**12 + 1}, "input_tokens: expected int <= 1000000000000"),
        ({"input_tokens": 10**30}, "input_tokens: expected int <= 1000000000000"),
        ({"input_tokens": 1000.5}, "input_tokens: expected int | null, got float"),
        ({"input_tokens": "1000"}, "input_tokens: expected int | null, got str"),
        ({"input_tokens": True}, "input_tokens: expected int | null, got bool"),
        ({"request_count": -1}, "request_count: expected int >= 0"),
        ({"request_count": -0.5}, "request_count: outside 0..1000000000000"),
        ({"request_count": "NaN"}, "request_count: not a number"),
        ({"is_bucket": "yes"}, "is_bucket: expected bool, got str"),
        ({"other_usage": {"seats": -1}}, "other_usage: outside 0..1000000000000"),
        ({"other_usage": {"seats": "Infinity"}}, "other_usage: outside 0..1000000000000"),
        ({"other_usage": {"seats": "many"}}, "other_usage[...]: not a number"),
        (
            {"other_usage": {"a seat": 1}},
            "other_usage: a key is not an identifier of at most 64 characters",
        ),
        ({"other_usage": {"request_count": 1}}, "other_usage: request_count is a field of its own"),
        (
            {"other_usage": {"cache_write_1h_tokens": 1}},
            "other_usage: cache_write_1h_tokens is a field of its own",
        ),
        (
            {"other_usage": {f"u{n}": 1 for n in range(101)}},
            "other_usage: expected object of length <= 100",
        ),
        (
            {"audio_input_tokens": 500, "image_input_tokens": 101},
            "cached_input_tokens + cache_write_tokens + audio_input_tokens + image_input_tokens: "
            "more than input_tokens",
        ),
        ({"cache_write_1h_tokens": 101}, "cache_write_1h_tokens: more than cache_write_tokens"),
        (
            {"cache_write_1h_tokens": 1, "cache_write_tokens": None},
            "cache_write_1h_tokens: given without cache_write_tokens",
        ),
        (
            {"audio_output_tokens": 150, "image_output_tokens": 51},
            "audio_output_tokens + image_output_tokens: more than output_tokens",
        ),
        (
            {"image_output_tokens": 1, "output_tokens": None, "reasoning_tokens": None},
            "image_output_tokens: given without output_tokens",
        ),
        (
            {"cached_input_tokens": 901},
            "cached_input_tokens + cache_write_tokens: more than input_tokens",
        ),
        (
            {"input_tokens": None},
            "cached_input_tokens, cache_write_tokens: given without input_tokens",
        ),
        ({"reasoning_tokens": 201}, "reasoning_tokens: more than output_tokens"),
        ({"output_tokens": None}, "reasoning_tokens: given without output_tokens"),
        ({"reported_cost_usd": -0.01}, "reported_cost_usd: outside 0..1000000"),
        ({"reported_cost_usd": 1000000.01}, "reported_cost_usd: outside 0..1000000"),
        ({"reported_cost_usd": "NaN"}, "reported_cost_usd: not a number"),
        ({"reported_cost_usd": "sNaN"}, "reported_cost_usd: not a number"),
        ({"reported_cost_usd": "Infinity"}, "reported_cost_usd: outside 0..1000000"),
        ({"reported_cost_usd": SECRET}, "reported_cost_usd: not a number"),
        ({"reported_cost_usd": "1e-999999"}, "reported_cost_usd: more digits than can be kept"),
        ({"reported_cost_usd": "1e999999"}, "reported_cost_usd: more digits than can be kept"),
        (
            {"reported_cost_usd": "0." + "1" * 41},
            "reported_cost_usd: more digits than can be kept",
        ),
        ({"quality_score": 1.01}, "quality_score: outside 0..1"),
        ({"compute_units": 10**12 + 1}, "compute_units: outside 0..1000000000000"),
        ({"prompt": SECRET}, "unknown field prompt"),
        ({SECRET + " " + SECRET: 1}, "unknown field (name withheld)"),
        ({"x" * 65: 1}, "unknown field (name withheld)"),
        ({"metadata": {"prompt": SECRET}}, "metadata: key prompt is not allowed"),
        ({"metadata": {"Write me a poem": 1}}, "metadata: key (name withheld) is not allowed"),
        ({"metadata": {"client": "x" * 201}}, "metadata[...]: expected str of length <= 200"),
        (
            {"metadata": {"client": "def f():\n    pass"}},
            "metadata: contains a control character or a line break",
        ),
        (
            {"metadata": {"client": {"prompt": SECRET}}},
            "metadata[...]: expected bool | int | float | str | null, got object",
        ),
        ({"metadata": SECRET}, "metadata: expected object | null, got str"),
        ({"metadata": {"attempt": 2**63}}, "metadata[...]: expected int <= 9223372036854775807"),
        ({"team": "x" * 256}, "team: expected str of length <= 255"),
        ({"branch": ""}, "branch: expected str of length >= 1"),
        ({"api_key_alias": "a\nb"}, "api_key_alias: contains a control character or a line break"),
        ({"time_to_first_token_ms": -1}, "time_to_first_token_ms: expected int >= 0"),
        ({"time_to_first_token_ms": 0.5}, "time_to_first_token_ms: expected int | null, got float"),
        ({"tags": "nightly"}, "tags: expected array | null, got str"),
        ({"tags": {"nightly": True}}, "tags: expected array | null, got object"),
        ({"tags": ["nightly", 5]}, "tags[1]: expected str, got int"),
        ({"tags": ["nightly", "x" * 201]}, "tags[1]: expected str of length <= 200"),
        ({"tags": ["nightly"] * 51}, "tags: expected array of length <= 50"),
        ({"tags": ["a", "def f():\n  pass"]}, "tags: contains a control character or a line break"),
    ],
)
def test_a_bad_execution_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    said = reason_of(line_of(execution(**changes)))
    assert said == reason
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (decision(confidence_score=1.5), "confidence_score: outside 0..1"),
        (decision(predicted_quality_score=-0.5), "predicted_quality_score: outside 0..1"),
        (decision(routing_overhead_cost_usd=-1), "routing_overhead_cost_usd: outside 0..1000000"),
        (
            decision(alternative_providers=[{"provider": "openai", "prompt": SECRET}]),
            "alternative_providers[0]: unknown field prompt",
        ),
        (
            decision(alternative_providers=[{"provider": "openai", "estimated_cost_usd": -1}]),
            "alternative_providers: estimated_cost_usd: outside 0..1000000",
        ),
        (
            decision(alternative_providers=[{"provider": "a\tb"}]),
            "provider: contains a control character or a line break",
        ),
        (
            decision(decision_factors={"not an identifier": 1}),
            "decision_factors: a key is not an identifier of at most 64 characters",
        ),
        (
            decision(decision_factors={"weights": [1, 2]}),
            "decision_factors[...]: expected bool | int | float | str | null, got array",
        ),
        (decision(decision_timestamp="2019-01-01T00:00:00Z"), "decision_timestamp: before 2020"),
        (decision(updated_at="2026-03-01T09:59:58Z"), "updated_at: before decision_timestamp"),
        (organization(timezone="Mars/Olympus"), "timezone: not a known IANA time zone"),
        (organization(timezone="../../etc/passwd"), "timezone: not a known IANA time zone"),
        (organization(monthly_budget_usd=-5), "monthly_budget_usd: outside 0..1000000000000"),
        (organization(updated_at="2019-01-01T00:00:00Z"), "updated_at: before 2020"),
        (user(role=SECRET), "role: not one of org_admin, team_lead, developer"),
        (user(name="x\u2028y"), "name: contains a control character or a line break"),
        (user(email="jane@example.com"), "unknown field email"),
        (
            adjustment(reason="gift"),
            "reason: not one of credit, refund, discount, subscription, "
            "included_plan, commitment, tax, fee, cost_report, correction",
        ),
        (adjustment(amount=None), "object missing required field amount"),
        (adjustment(amount="NaN"), "amount: not a number"),
        (adjustment(amount="-Infinity"), "amount: outside -1000000000..1000000000"),
        (adjustment(amount=-1_000_000_001), "amount: outside -1000000000..1000000000"),
        (adjustment(amount="0.0000000000001"), "amount: more than 12 places"),
        (adjustment(currency="usd"), "currency: not three capital letters"),
        (adjustment(currency="EURO"), "currency: not three capital letters"),
        (adjustment(effective_at="2026-06-02T12:00:01Z"), "effective_at: more than a day ahead"),
        (adjustment(effective_at="2019-06-02T12:00:01Z"), "effective_at: before 2020"),
        (adjustment(updated_at="2026-06-02T12:00:01Z"), "updated_at: more than a day ahead"),
        (
            adjustment(period_start="2026-03-01T00:00:00Z"),
            "period_start, period_end: one is given without the other",
        ),
        (
            adjustment(period_start="2026-03-01T00:00:00Z", period_end="2026-03-01T01:00:00+01:00"),
            "period_end: not after period_start",
        ),
        (
            adjustment(period_start="2019-03-01T00:00:00Z", period_end="2026-03-01T01:00:00+01:00"),
            "period_start: before 2020",
        ),
        (
            adjustment(period_start="2026-03-01T00:00:00Z", period_end="2226-03-01T00:00:00Z"),
            "period_end: more than ten years ahead",
        ),
    ],
)
def test_a_bad_event_of_another_kind_is_refused(event: dict[str, Any], reason: str) -> None:
    assert reason_of(line_of(event)) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"event": "user"', "malformed JSON: it ends too early"),
        (b"not json", "malformed JSON (byte 1)"),
        (b'{"event": "user"} x', "object missing required field event_id"),
        (b"[]", "expected object, got array"),
        (b'"hunter2"', "expected object, got str"),
        (b'{"event": "user", "name": "\xff"}', "not valid UTF-8"),
        (b'{"event": "user", "name": "a\x00b"}', "contains a NUL character"),
        (b'{"event": "user", "name": "\\ud800"}', "malformed JSON: it ends too early"),
        (b'{"event": "user", "x": ' + b"[" * 100_000, "unknown field x"),
    ],
)
def test_a_line_that_is_no_event_is_refused(line: bytes, reason: str) -> None:
    said = reason_of(line)
    assert said == reason or (said.startswith("malformed JSON") and reason.startswith("malformed"))
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # As databases and data frames write what stands in `execution()`.
        ('"2026-03-01T10:00:00Z"', '"2026-03-01 10:00:00+00"'),
        ('"2026-03-01T10:00:00Z"', '"2026-03-01 11:00:00.000 +01:00"'),
        ('"2026-03-01T10:00:00Z"', '"2026-03-01T05:00:00-0500"'),
        ('"2026-03-01T10:00:00Z"', '"2026-03-01 10:00:00 UTC"'),
        ('"2026-03-01T10:00:00Z"', '"2026-03-01T10:00Z"'),
        ('"2026-03-01T10:00:00Z"', "1772359200"),
        ('"2026-03-01T10:00:00Z"', "1772359200.0"),
        ('"2026-03-01T10:00:00Z"', '"1772359200000"'),
        ('"2026-03-01T10:00:08.5Z"', "1772359208.5"),
        ('"2026-03-01T10:00:08.5Z"', "1772359208500"),
        ('"2026-03-01T10:00:08.5Z"', '"2026-03-01 10:00:08,500+00"'),
        ('"input_tokens": 1000', '"input_tokens": 1000.0'),
        ('"input_tokens": 1000', '"input_tokens": 1e3'),
        ('"request_count": 1', '"request_count": null'),
        ('"request_count": 1', '"is_bucket": 0, "is_gateway_cache_hit": null'),
    ],
)
def test_other_ways_to_write_a_value_say_the_same(old: str, new: str) -> None:
    line = line_of(execution()).decode()
    assert old in line
    rewritten = line.replace(old, new).encode()
    assert Contract.at(NOW).decode(rewritten) == Contract.at(NOW).decode(line.encode())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"2026-03-01T10:00:00Z"', '"2026-03-01 10:00:00"', "a time needs an offset from UTC"),
        ('"2026-03-01T10:00:00Z"', '"01.03.2026 10:00+00"', "not an ISO 8601 time with an offset"),
        (
            '"2026-03-01T10:00:00Z"',
            "177235920000",
            "a number that is no epoch time in seconds or milliseconds",
        ),
    ],
)
def test_what_may_mean_another_time_is_refused(old: str, new: str, reason: str) -> None:
    line = line_of(execution()).decode().replace(old, new)
    assert reason_of(line.encode()) == f"start_time: {reason}"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('"input_tokens": 1000', '"input_tokens": 1000, "input_tokens": 1000', "input_tokens"),
        ('"input_tokens": 1000', '"input_tokens" :9000,"input_tokens":\t1000', "input_tokens"),
        ('"input_tokens": 1000', '"input_tokens": null, "input_tokens": 1000', "input_tokens"),
        ('"input_tokens": 1000', '"input\\u005ftokens": 9, "input_tokens": 1000', "input_tokens"),
        ('"request_count": 1', '"output_tokens": 200', "output_tokens"),
        ('"request_count": 1', '"is_bucket": false, "is_bucket": false', "is_bucket"),
        ('"client": "cli"', '"client": "x", "client": "cli"', "client"),
        # Without the colons that times have.
        ('"2026-03-01T10:00:00Z"', '1772359200, "output_tokens": 5', "output_tokens"),
        ('"2026-03-01T10:00:00Z"', '"2026-03-01T10:00:00+00:00", "model": "m"', "model"),
        ('"task-1"', '"a:b", "model": "c"', "model"),
        ('"task-1"', '"11:00", "model": "c"', "model"),
    ],
)
def test_a_name_that_is_given_twice_is_refused(old: str, new: str, name: str) -> None:
    line = line_of(execution()).decode()
    assert old in line
    assert reason_of(line.replace(old, new, 1).encode()) == f"{name}: given twice"


@pytest.mark.parametrize(
    "event",
    [
        decision(alternative_providers=[{"provider": "a"}, {"provider": "b", "model": "c:d"}]),
        organization(name="a: b"),
        user(updated_at="2026-01-01T00:00:00+05:30"),
        adjustment(currency="USD", reference="x:00"),
        adjustment(period_start="2026-03-01T00:00:00Z", period_end="2026-04-01T00:00:00Z"),
        execution(is_bucket=False, other_usage={"seats": 1}, request_count=0.5),
        execution(model="ft:gpt-4o-mini:org::id", start_time="2026-03-01T11:00:00+01:00"),
        execution() | dict.fromkeys(("user_id", "tokens_used", "metadata", "end_time")),
        execution(tags=["team:search", "User-Agent: curl/8", "a::b"]),
        execution(tags=["team:search", "at 10:00"]),
        execution(tags=["team:search", 'a "quoted:one"']),
    ],
)
def test_colons_elsewhere_are_no_names(event: dict[str, Any]) -> None:
    Contract.at(NOW).decode(line_of(event))
    double = line_of(event)[:-1] + b', "organization_id": "' + ORGANIZATION_ID.encode() + b'"}'
    if event["event"] != "organization":
        assert reason_of(double) == "organization_id: given twice"


def test_an_escaped_colon_in_a_tag_hides_no_name() -> None:
    double = line_of(execution(tags=["x:y"])).replace(b"x:y", rb"x\u003ay")
    double = double[:-1] + b', "organization_id": "' + ORGANIZATION_ID.encode() + b'"}'
    assert reason_of(double) == "organization_id: given twice"


def test_a_time_is_accepted_up_to_a_day_ahead() -> None:
    at_the_limit = (NOW + timedelta(days=1)).isoformat()
    Contract.at(NOW).decode(
        line_of(execution(start_time=at_the_limit, end_time=at_the_limit, updated_at=at_the_limit))
    )


@pytest.mark.parametrize("cost", ["0", "-0", "0e-99999", "1e-40", "1000000", "1E+6"])
def test_extreme_but_legal_amounts_are_accepted(cost: str) -> None:
    line = line_of(execution()).replace(b"0.00714", cost.encode())
    event = Contract.at(NOW).decode(line)
    assert isinstance(event, TaskExecution)
    assert event.reported_cost_usd == Decimal(cost)


def test_every_kind_of_usage_is_taken_over_exactly() -> None:
    usage: dict[str, Any] = {
        "service_tier": "on_demand",
        "region": "eu-central-1",
        "is_bucket": True,
        "is_gateway_cache_hit": False,
        "cache_write_1h_tokens": 100,
        "audio_input_tokens": 400,
        "image_input_tokens": 200,
        "audio_output_tokens": 150,
        "image_output_tokens": 50,
    }
    line = line_of(execution(**usage)).replace(b'"request_count": 1', b'"request_count": 0.33')
    others = b'{"web_search_requests": 2, "code_execution_hours": 0.123456789012345678}'
    event = Contract.at(NOW).decode(line[:-1] + b', "other_usage": ' + others + b"}")
    assert isinstance(event, TaskExecution)
    assert {name: getattr(event, name) for name in usage} == usage
    assert event.request_count == Decimal("0.33")
    assert event.other_usage == {
        "web_search_requests": Decimal(2),
        "code_execution_hours": Decimal("0.123456789012345678"),
    }


def test_whose_an_execution_is_is_taken_over_as_it_is_said() -> None:
    event = Contract.at(NOW).decode(line_of(execution(**ATTRIBUTION)))
    assert isinstance(event, TaskExecution)
    assert {name: getattr(event, name) for name in ATTRIBUTION} == ATTRIBUTION
    plain = Contract.at(NOW).decode(line_of(execution()))
    assert {getattr(plain, name) for name in ATTRIBUTION} == {None}


@pytest.mark.parametrize("amount", ["1000000000", "-1e9", "0.000000000001", "-7.50000000000000"])
def test_an_adjustment_keeps_its_amount_and_its_period(amount: str) -> None:
    line = line_of(
        adjustment(
            currency="EUR", period_start="2026-03-01T00:00:00Z", period_end="2027-03-01T00:00:00Z"
        )
    ).replace(b"-12.5", amount.encode())
    event = Contract.at(NOW).decode(line)
    assert isinstance(event, Adjustment)
    assert (str(event.amount), event.currency) == (str(Decimal(amount)), "EUR")
    assert event.period_end == datetime(2027, 3, 1, tzinfo=UTC)


def test_free_texts_are_scrubbed_and_short_texts_are_not() -> None:
    event = Contract.at(NOW).decode(
        line_of(
            decision(
                reasoning="asked jane@example.com",
                alternative_providers=[{"provider": "openai", "reasoning": "key=abc123"}],
            )
        )
    )
    assert isinstance(event, RoutingDecision)
    assert event.reasoning == "asked [email]"
    assert event.alternative_providers is not None
    assert event.alternative_providers[0].reasoning == "[secret]"
    assert event.alternative_providers[0].provider == "openai"
