"""Pages pulled from APIs: what lands, what fails on the way, and where the next pull goes on."""

import datetime as dt
import json
import logging
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from support import apis
from support.apis import KEY, Asked, Fault, Provider, listening
from support.landing import counts, rows
from support.processes import wait_for
from support.servers import Database
from support.stories import Story, environment_of

from orchestration.access.roles import apply_roles, ensure_months_around_now
from orchestration.cli import main
from orchestration.errors import WarehouseError
from orchestration.sources.pulls import asking
from orchestration.sources.pulls.apis import APIS, OPENAI, Api
from orchestration.sources.pulls.asking import ATTEMPTS, checked_url
from orchestration.sources.pulls.pull import Pull, pull
from orchestration.sources.source import Owner

pytest_plugins = ["support.stories"]

FIXTURES = Path(__file__).parent / "sources"
MARCH_2, MARCH_3 = 1772409600, 1772496000
BUSY = Fault(429, {"Retry-After": "0"})


def documents(path: str) -> list[Any]:
    text = (FIXTURES / path).read_text()
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def openai() -> Provider:
    embeddings, searches, _ = (page["data"] for page in documents("openai_reports/others.json"))
    nothing: dict[str, list[dict[str, Any]]] = {
        f"usage/{name}": []
        for name in (
            "moderations",
            "images",
            "audio_speeches",
            "audio_transcriptions",
            "code_interpreter_sessions",
        )
    }
    # This account has no report of file searches.
    return apis.openai(
        {
            "usage/completions": documents("openai_reports/completions.json")[0]["data"],
            "usage/embeddings": embeddings,
            "usage/web_search_calls": searches,
            "costs": documents("openai_reports/costs.json")[0]["data"],
            **nothing,
        }
    )


def anthropic() -> Provider:
    first, _ = documents("anthropic_reports/messages.json")[0]["data"]
    (second,) = documents("anthropic_reports/messages_later.json")[0]["data"]
    costs = documents("anthropic_reports/costs.json")[0]["data"]
    return apis.anthropic({"usage_report/messages": [first, second], "cost_report": costs})


def langfuse() -> Provider:
    return apis.langfuse(documents("langfuse/page.json")[0]["data"])


def cursor() -> Provider:
    return apis.cursor(documents("cursor/page_1.json")[0]["usageEvents"], per_page=3)


def copilot() -> Provider:
    (item,) = documents("copilot/ai_credits_day.json")[0]["usageItems"]
    other = item | {"model": "GPT-5", "grossQuantity": 40, "grossAmount": 0.4}
    return apis.copilot({"2026-07-02": [item, other]})


def openrouter() -> Provider:
    return apis.openrouter({"2026-03-01": documents("openrouter/days.json")[0]["data"]})


@dataclass(frozen=True)
class Case:
    """A source and what its API has.

    Attributes:
        source: The source.
        make: Returns the API.
        days: What is pulled.
        pages: How many pages that is.
        landed: How many executions, their input and output tokens, the cost that is reported, and
            the sum of adjustments: worked out from the fixtures by hand.
        options: What else the command needs.
    """

    source: str
    make: Callable[[], Provider]
    days: tuple[str, str]
    pages: int
    landed: tuple[Any, ...]
    options: tuple[str, ...] = ()


CASES = (
    # 20,212 + 1,000,000 + 5,000 of completions and 16,000 of embeddings; two pages of completions.
    Case(
        "openai_reports",
        openai,
        ("2026-03-02", "2026-03-04"),
        9,
        (5, 1_041_212, 51_031, None, None),
    ),
    Case(
        "openai_reports",
        openai,
        ("2026-03-02", "2026-03-04"),
        1,
        (0, None, None, None, Decimal("1.31")),
        ("--report", "costs"),
    ),
    # 600,001 + 450,000 + 3 + 12,304 written to a cache.
    Case(
        "anthropic_reports",
        anthropic,
        ("2026-03-02", "2026-03-04"),
        2,
        (3, 1_062_308, 41_250, None, None),
    ),
    Case(
        "anthropic_reports",
        anthropic,
        ("2026-03-02", "2026-03-04"),
        1,
        (0, None, None, None, Decimal("1.3378912")),
        ("--report", "costs"),
    ),
    # Of the four observations of March 2 one is a generation with usage, and one failed.
    Case(
        "langfuse",
        langfuse,
        ("2026-03-02", "2026-03-03"),
        2,
        (2, 17_903, 482, Decimal("0.010016475"), None),
    ),
    # 126 + 6,112 + 11,964, and two equal events of 1,000; the fourth has no tokens.
    Case(
        "cursor",
        cursor,
        ("2026-03-01", "2026-03-04"),
        2,
        (4, 20_202, 490, Decimal("0.296523200000"), None),
    ),
    Case(
        "copilot",
        copilot,
        ("2026-07-02", "2026-07-04"),
        3,
        (2, None, None, Decimal("1.605"), None),
        ("--account", "acme"),
    ),
    Case(
        "openrouter",
        openrouter,
        ("2026-03-01", "2026-03-03"),
        2,
        (1, 5_000, 1_250, Decimal("0.015"), None),
    ),
)

every_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: "_".join((case.source, *case.options[1:]))
)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for api in APIS.values():
        for name in api.variables:
            monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-public")
    monkeypatch.setattr(asking, "FIRST_WAIT_SECONDS", 0.01)


def told(provider: Provider, source: str, *options: str) -> Result:
    arguments = [source, "--organization", "Acme", "--url", provider.url, *options]
    done = CliRunner().invoke(main, ["pull", *arguments])
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert KEY not in done.output
    return done


def pulled(provider: Provider, case: Case, *options: str) -> str:
    since, until = case.days
    done = told(provider, case.source, "--since", since, "--until", until, *case.options, *options)
    assert done.exit_code == 0, done.output
    return done.output


def landed(database: Database) -> tuple[Any, ...]:
    executions = rows(
        database,
        "select count(*), sum(input_tokens), sum(output_tokens), sum(reported_cost_usd) "
        "from raw.task_executions",
    )[0]
    return (*executions, *rows(database, "select sum(amount) from raw.adjustments")[0])


def versions(database: Database) -> list[str]:
    """Return the versions of everything that landed; copies stand as often as they landed."""
    found = rows(
        database,
        "select cast(event_id as text) from raw.task_executions union all "
        "select cast(event_id as text) from raw.adjustments union all "
        "select cast(event_id as text) from raw.organizations union all "
        "select cast(event_id as text) from raw.users",
    )
    return sorted(one for (one,) in found)


def positions(database: Database) -> dict[str, str]:
    """Return up to where each report that is there was read, by the end of its path."""
    return {
        part.split(" ")[0].rsplit("/", 1)[-1]: position["read_until"][:10]
        for part, position in rows(
            database,
            "select part, position from ledger.source_positions "
            "where part not like '%file_search_calls%'",
        )
    }


# --- All of them ----------------------------------------------------------------------------------


@every_case
def test_what_an_api_has_lands_and_is_what_an_import_of_its_pages_is(
    case: Case, database_18: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with listening(case.make()) as provider:
        pulled(provider, case)
    assert len(provider.served) == case.pages
    assert landed(database_18) == case.landed
    assert counts(database_18)["rejected_events"] == 0
    assert set(positions(database_18).values()) == {case.days[1]}

    for number, page in enumerate(provider.served):
        (tmp_path / f"{number}.json").write_bytes(page)
    out = tmp_path / "events.ndjson"
    command = ["import", case.source, str(tmp_path), "--organization", "Acme", "--out", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    imported = {json.loads(line)["event_id"] for line in out.read_text().splitlines()}
    assert versions(database_18) == sorted(imported)

    assert "127.0.0.1" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in json.dumps([(asked.path, asked.parameters) for asked in provider.asked])


@every_case
def test_what_fails_for_a_while_is_asked_again_and_a_repeated_pull_lands_nothing(
    case: Case, database_18: Database
) -> None:
    provider = case.make()
    provider.faults += [
        Fault(200, body=b'{"data": [', missing_bytes=1000),
        Fault(500),
        BUSY,
        Fault(429, {"Retry-After": format_datetime(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))}),
        None,
    ]
    with listening(provider):
        pulled(provider, case)
        assert landed(database_18) == case.landed
        once = versions(database_18), counts(database_18)
        output = pulled(provider, case)
    assert (versions(database_18), counts(database_18)) == once
    assert f"{case.source}: nothing new" in output
    assert len(provider.served) == 2 * case.pages


@every_case
def test_a_wrong_key_and_what_is_no_page_are_told(
    case: Case, monkeypatch: pytest.MonkeyPatch, database_18: Database
) -> None:
    api = APIS[case.source]
    with listening(case.make()) as provider:
        for body, fault in (
            (b"<html><body>(left out)</body></html>", "no object of JSON"),
            (b'{"data": [{"left', "no object of JSON"),
            (b'{"message": "(left out)"}', "it has no list"),
            (b"", "no object of JSON"),
        ):
            provider.faults.append(Fault(200, body=body))
            done = told(provider, case.source, "--since", case.days[0], *case.options)
            assert done.exit_code == 1
            assert fault in done.output
            assert "(left out)" not in done.output
        provider.asked.clear()
        monkeypatch.setenv(api.variables[-1], "sk-another")
        done = told(provider, case.source, "--since", case.days[0], *case.options)
    assert done.exit_code == 1
    assert f"the key in {' and '.join(api.variables)} (401): it has to be {api.needs}" in (
        done.output
    )
    assert "sk-another" not in done.output
    assert len(provider.asked) == 1
    assert counts(database_18)["loads"] == 0
    assert positions(database_18) == {}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.pages > 1], ids=lambda case: case.source
)
def test_a_page_in_the_middle_that_fails_ends_the_pull_and_the_next_one_goes_on(
    case: Case, database_18: Database
) -> None:
    provider = case.make()
    provider.faults += [None, Fault(200, body=b"<html>")]
    since, until = case.days
    with listening(provider):
        done = told(provider, case.source, "--since", since, "--until", until, *case.options)
        assert done.exit_code == 1
        assert until not in positions(database_18).values()
        # The next one is not told from where.
        done = told(provider, case.source, "--until", until, *case.options)
        assert done.exit_code == 0, done.output
    assert landed(database_18) == case.landed
    assert len(versions(database_18)) == len(set(versions(database_18)))
    assert set(positions(database_18).values()) == {until}


@every_case
def test_the_pages_can_be_kept_as_files(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "database.invalid")
    with listening(case.make()) as provider:
        pulled(provider, case, "--out", str(tmp_path))
    kept = sorted(path.read_bytes() for path in tmp_path.iterdir())
    assert kept == sorted(provider.served)


# --- Where it goes on -----------------------------------------------------------------------------


def completions(tokens: dict[int, int]) -> Provider:
    """Return OpenAI's API with one result a day of March 2026, of so many input tokens."""
    return apis.openai({"usage/completions": [bucket(*day) for day in tokens.items()]})


def bucket(day: int, tokens: int) -> dict[str, Any]:
    result = {
        "object": "organization.usage.completions.result",
        "input_tokens": tokens,
        "output_tokens": 10,
        "num_model_requests": 1,
        "model": "gpt-5.4",
    }
    start = MARCH_2 + (day - 2) * 86_400
    return {"object": "bucket", "start_time": start, "end_time": start + 86_400,
            "results": [result]}  # fmt: skip


COMPLETIONS = Api(
    OPENAI.source,
    OPENAI.url,
    OPENAI.variables,
    OPENAI.needs,
    OPENAI.headers,
    {"usage": OPENAI.reports["usage"][:1]},
)


def march(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, tzinfo=dt.UTC)


def land(provider: Provider, now: dt.datetime, since: int | None = None, **options: Any) -> int:
    """Pull completions at a moment, and return how many events landed."""
    first = None if since is None else march(since)
    wanted = Pull(COMPLETIONS, "usage", provider.url, since=first, **options)
    done = list(pull(wanted, Owner.named("Acme"), now, lambda _: None))
    return sum(one.lines_accepted for one in done)


def starts(provider: Provider) -> list[int]:
    """Return the days of March from which on was asked, and forget them."""
    found = [
        (int(apis.only(asked, "start_time")) - MARCH_2) // 86_400 + 2 for asked in provider.asked
    ]
    provider.asked.clear()
    return found


def test_the_next_pull_reads_the_last_days_again_and_what_came_since(
    database_18: Database,
) -> None:
    with listening(completions({day: 100 * day for day in range(2, 13)})) as provider:
        # The organization, and a day each.
        assert land(provider, march(8), since=2, until=march(8)) == 1 + 6
        assert set(starts(provider)) == {2}
        assert land(provider, march(11)) == 5
        assert set(starts(provider)) == {5}
        assert positions(database_18) == {"completions": "2026-03-11"}
        assert land(provider, march(11), overlap_days=0) == 0
        assert set(starts(provider)) == {11}
        # Nothing before the day that was the first is ever asked for.
        assert land(provider, march(11), overlap_days=300) == 0
        assert set(starts(provider)) == {2}


def test_a_result_that_changed_is_corrected_in_both_directions_and_lands_once(
    database_18: Database,
) -> None:
    days = {2: 200, 3: 300, 4: 400}
    counted = (
        "select distinct on (id) input_tokens from raw.task_executions order by id, updated_at desc"
    )
    with listening(completions(days)) as provider:
        land(provider, march(5), since=2, until=march(5))
        for hour, tokens in enumerate((350, 250, 300, 350), start=1):
            provider.answer = completions(days | {3: tokens}).answer
            assert land(provider, march(5, hour), until=march(5)) == 1
            assert land(provider, march(5, 10 + hour), until=march(5)) == 0
            assert sum(found for (found,) in rows(database_18, counted)) == 200 + tokens + 400


def test_an_organization_that_has_landed_keeps_its_time_zone(database_18: Database) -> None:
    with listening(completions({2: 1})) as provider:
        for zone in ("Europe/Berlin", "UTC"):
            wanted = Pull(COMPLETIONS, "usage", provider.url, since=march(2))
            list(pull(wanted, Owner.named("Acme", zone), march(4), lambda _: None))
    assert rows(database_18, "select timezone from raw.organizations") == [("Europe/Berlin",)]


def test_the_facts_have_what_was_read_last(story: Story) -> None:
    """A result of a day that was running, and then was corrected to less."""
    with environment_of(story.database), listening(completions({2: 500})) as provider:
        land(provider, march(2, 12), since=2)
        provider.answer = completions({2: 900}).answer
        land(provider, march(3, 1))
        story.build()
        found = "select input_tokens from marts.fct_task_executions"
        assert rows(story.database, found) == [(900,)]
        provider.answer = completions({2: 700}).answer
        land(provider, march(3, 2))
        story.build()
        assert rows(story.database, found) == [(700,)]


def test_a_stamp_of_the_source_that_is_later_stays(database_18: Database) -> None:
    (call,) = (one for one in documents("langfuse/page.json")[0]["data"] if one["id"] == "obs_02")
    with listening(apis.langfuse([call])) as provider:
        wanted = Pull(APIS["langfuse"], "observations", provider.url, since=march(2))
        for changed_at, tokens in (("09:00:12", 482), ("09:05:00", 500), ("09:05:00", 400)):
            usage = {"input": 1, "output": tokens}
            changed = call | {"updatedAt": f"2026-03-02T{changed_at}.000Z", "usageDetails": usage}
            provider.answer = apis.langfuse([changed]).answer
            list(pull(wanted, Owner.named("Acme"), march(2, 10), lambda _: None))
    assert rows(
        database_18,
        "select output_tokens, to_char(updated_at at time zone 'UTC', 'HH24:MI:SS') "
        "from raw.task_executions order by updated_at",
    ) == [(482, "09:00:12"), (500, "09:05:00"), (400, "10:00:00")]


def test_the_day_that_is_running_grows(database_18: Database) -> None:
    with listening(completions({2: 200, 3: 300})) as provider:
        assert land(provider, march(3, 8), since=2) == 1 + 2
        assert positions(database_18) == {"completions": "2026-03-03"}
        # It is not said when the day ends that has not ended.
        assert all("end_time" not in asked.parameters for asked in provider.asked)
        provider.answer = completions({2: 200, 3: 900}).answer
        assert land(provider, march(3, 12), overlap_days=0) == 1
    # Both end with the day: of one moment, the one that has used more counts.
    assert rows(
        database_18,
        "select max(input_tokens), count(distinct updated_at) from raw.task_executions "
        "where start_time = '2026-03-03 00:00Z'",
    ) == [(900, 1)]


def test_days_that_were_left_out_are_still_to_be_read(database_18: Database) -> None:
    with listening(completions({day: day for day in range(2, 13)})) as provider:
        land(provider, march(12), since=2, until=march(4))
        land(provider, march(12), since=8, until=march(10))
        assert positions(database_18) == {"completions": "2026-03-04"}
        # March 8 and 9 are there already.
        starts(provider)
        assert land(provider, march(12), until=march(12)) == 10 - 2 - 2
        assert set(starts(provider)) == {2}
    assert rows(database_18, "select count(*), count(distinct id) from raw.task_executions") == [
        (10, 10)
    ]


def test_without_a_beginning_nothing_is_guessed(database_18: Database) -> None:
    with listening(completions({})) as provider:
        done = told(provider, "openai_reports")
        assert done.exit_code == 1
        assert "--since says from which day on" in done.output
        assert told(provider, "openai_reports", "--out", ".").exit_code == 1
    assert provider.asked == []
    assert positions(database_18) == {}


def test_accounts_and_organizations_go_on_by_themselves(database_18: Database) -> None:
    with listening(completions({2: 1})) as provider:
        land(provider, march(3), since=2)
        with pytest.raises(WarehouseError, match="--since says"):
            land(provider, march(3), account="second")
        land(provider, march(3), since=2, account="second")
        land(provider, march(3), account="second")
    assert rows(database_18, "select count(*) from ledger.source_positions") == [(2,)]


def test_a_pull_that_is_killed_goes_on(database_18: Database) -> None:
    provider = completions({day: day for day in range(2, 8)})
    seen: list[Asked] = []

    def wait(asked: Asked) -> None:
        seen.append(asked)
        if len(seen) == 4:
            time.sleep(60)

    provider.waits = wait
    command = [
        sys.executable, "-m", "orchestration.cli", "pull", "openai_reports",
        "--organization", "Acme", "--url", provider.url, "--since", "2026-03-02",
        "--until", "2026-03-08",
    ]  # fmt: skip
    with listening(provider):
        command[command.index("--url") + 1] = provider.url
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: len(seen) == 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert counts(database_18)["task_executions"] == 3
        assert positions(database_18)["completions"] == "2026-03-02"
        assert land(provider, march(8), until=march(8)) == 3
    assert rows(
        database_18, "select count(*), count(distinct event_id) from raw.task_executions"
    ) == [(6, 6)]
    assert positions(database_18)["completions"] == "2026-03-08"


def test_two_pulls_of_the_same_do_not_run_at_once(database_18: Database) -> None:
    with listening(completions({2: 1, 3: 1})) as provider:
        first = pull(
            Pull(COMPLETIONS, "usage", provider.url, since=march(2)),
            Owner.named("Acme"),
            march(4),
            lambda _: None,
        )
        next(first)
        with pytest.raises(WarehouseError, match="Another pull of the same openai_reports runs"):
            land(provider, march(4))
        assert len(list(first)) == 1
        assert land(provider, march(4)) == 0
    assert counts(database_18)["task_executions"] == 2


def test_a_login_that_only_lands_moves_the_position(database_18: Database, tmp_path: Path) -> None:
    login = f"lander_{secrets.token_hex(4)}"
    with (
        database_18.connect(autocommit=True) as connection,
        listening(completions({2: 1, 3: 1})) as provider,
    ):
        apply_roles(connection)
        connection.execute(
            sql.SQL("create role {} login password 'x' in role loader").format(
                sql.Identifier(login)
            )
        )
        ensure_months_around_now()
        connection.execute("select 1")
        try:
            with environment_of(database_18.as_login(login, "x", tmp_path)):
                land(provider, march(4), since=2)
                # It may not see what has landed: the same bytes are skipped.
                assert land(provider, march(4)) == 0
        finally:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))
    assert positions(database_18) == {"completions": "2026-03-04"}


def test_the_running_day_is_not_asked_for_where_it_cannot_be(database_18: Database) -> None:
    with listening(openrouter()) as provider:
        wanted = Pull(APIS["openrouter"], "days", provider.url, since=march(1))
        assert len(list(pull(wanted, Owner.named("Acme"), march(3, 15), lambda _: None))) == 1
    assert [apis.only(asked, "date") for asked in provider.asked] == ["2026-03-01", "2026-03-02"]
    assert positions(database_18) == {"activity": "2026-03-03"}


# --- The way to the API ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [BUSY, Fault(500, {"Retry-After": "0"})])
def test_patience_ends(fault: Fault, database_18: Database) -> None:
    provider = openai()
    provider.faults += [fault] * ATTEMPTS
    with listening(provider):
        done = told(provider, "openai_reports", "--since", "2026-03-02")
    assert done.exit_code == 1
    assert f"answered {fault.status}" in done.output
    assert f"{ATTEMPTS} times. Run it again later" in done.output
    assert len(provider.asked) == ATTEMPTS
    assert counts(database_18)["loads"] == 0


def test_a_long_wait_is_left_to_whoever_runs_it(database_18: Database) -> None:
    provider = openai()
    provider.faults.append(Fault(429, {"Retry-After": "3600"}))
    with listening(provider):
        done = told(provider, "openai_reports", "--since", "2026-03-02")
    assert done.exit_code == 1
    assert "asks to wait 3600 seconds. Run it again after that" in done.output
    assert len(provider.asked) == 1
    assert counts(database_18)["loads"] == 0


def test_a_limit_that_github_tells_with_a_403_is_no_wrong_key(database_18: Database) -> None:
    provider = copilot()
    provider.faults.append(Fault(403, {"Retry-After": "0"}))
    with listening(provider):
        pulled(provider, next(case for case in CASES if case.source == "copilot"))
        provider.faults.append(Fault(403))
        done = told(provider, "copilot", "--account", "acme", "--until", "2026-07-04")
    assert "refused the key in GITHUB_TOKEN (403)" in done.output
    assert counts(database_18)["task_executions"] == 2


def test_a_report_that_is_not_there_is_told(database_18: Database) -> None:
    case = CASES[0]
    with listening(case.make()) as provider:
        # Some accounts have no file searches, all have completions.
        assert "usage/file_search_calls is not there (404)" in pulled(provider, case)
        provider.url += "/v2"
        done = told(provider, case.source, "--since", "2026-03-02")
    assert done.exit_code == 1
    assert "/v1/organization/usage/completions is not there (404)" in done.output
    assert counts(database_18)["task_executions"] == 5


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_does_not_carry_the_key(status: int, database_18: Database) -> None:
    with listening(openai()) as elsewhere, listening(openai()) as provider:
        provider.faults.append(Fault(status, {"Location": f"{elsewhere.url}/v1/x"}))
        done = told(provider, "openai_reports", "--since", "2026-03-02")
    assert done.exit_code == 1
    assert "answered with a redirect, which the key does not follow" in done.output
    assert elsewhere.asked == []
    assert counts(database_18)["loads"] == 0


def test_nobody_there_is_told(database_18: Database) -> None:
    with listening(openai()) as provider:
        pass
    started = time.monotonic()
    done = told(provider, "openai_reports", "--since", "2026-03-02")
    assert done.exit_code == 1
    assert f"was not reached (ConnectError), {ATTEMPTS} times" in done.output
    # 1 + 2 + 4 + 8 + 16 + 32 + 64 first waits.
    assert time.monotonic() - started >= 127 * asking.FIRST_WAIT_SECONDS
    assert counts(database_18)["loads"] == 0


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ({"has_more": True, "next_page": None}, "does not name the next one"),
        (
            {"has_more": True, "next_page": "page_1"},
            "names a page as the next one that was there before",
        ),
    ],
)
def test_pages_that_do_not_follow_each_other_are_told(
    page: dict[str, Any], fault: str, database_18: Database
) -> None:
    provider = Provider(lambda _: ({"object": "page", "data": []} | page, {}))
    with listening(provider):
        done = told(provider, "openai_reports", "--since", "2026-03-02", "--until", "2026-03-03")
    assert done.exit_code == 1
    assert fault in done.output
    assert len(provider.asked) <= 2
    assert counts(database_18)["loads"] == 0


@pytest.mark.parametrize("key", ["", "  ", "sk-a\nX-Other: b", "sk-ключ"])
def test_a_key_that_can_be_none_is_told_before_anything_is_sent(
    key: str, monkeypatch: pytest.MonkeyPatch, database_18: Database
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", key)
    with listening(openai()) as provider:
        done = told(provider, "openai_reports", "--since", "2026-03-02")
    assert done.exit_code == 1
    assert "OPENAI_ADMIN_KEY" in done.output
    assert "an admin key of the organization" in done.output
    assert "X-Other" not in done.output
    assert provider.asked == []
    assert positions(database_18) == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "api.openai.com",
        "https://",
        "https://name:word@api.openai.com",
        "https://api.openai.com?x=1",
        "http://[::1",
        "",
    ],
)
def test_a_key_is_sent_where_nobody_else_reads_it(url: str) -> None:
    with pytest.raises(WarehouseError, match="address of the API") as refused:
        checked_url(url)
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://eu.langfuse.example/base",
        "http://localhost:1",
        "http://127.0.0.1:1",
        "http://[::1]",
    ],
)
def test_an_address_may_be_another_one(url: str) -> None:
    assert checked_url(url) == checked_url(f"{url}/") == url


def test_what_is_not_encrypted_goes_through_no_proxy(
    database_18: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(openai()) as proxy, listening(openai()) as provider:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        pulled(provider, CASES[1])
    assert proxy.asked == []
    assert counts(database_18)["adjustments"] == 2


def test_a_proxy_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy.example")
    done = CliRunner().invoke(
        main, ["pull", "cursor", "--organization", "Acme", "--since", "2026-03-02", "--out", "."]
    )
    assert done.exit_code == 1
    assert "The proxy that HTTPS_PROXY or ALL_PROXY names cannot be used" in done.output


def test_an_address_may_be_in_a_variable_and_have_a_path(
    database_18: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = langfuse()
    answer = provider.answer
    provider.answer = lambda asked: answer(
        asked._replace(path=asked.path.removeprefix("/behind/a/proxy"))
    )
    with listening(provider):
        monkeypatch.setenv("LANGFUSE_URL", f"{provider.url}/behind/a/proxy")
        done = CliRunner().invoke(
            main,
            [
                *("pull", "langfuse", "--organization", "Acme"),
                *("--since", "2026-03-02", "--until", "2026-03-03"),
            ],
        )
    assert done.exit_code == 0, done.output
    assert provider.asked[0].path == "/behind/a/proxy/api/public/v2/observations"
    assert counts(database_18)["task_executions"] == 2


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["clod_code"], "No such command"),
        (["cursor"], "Missing option '--organization'"),
        (["copilot", "--organization", "Acme"], "Missing option '--account'"),
        (["cursor", "--organization", "Acme", "--since", "yesterday"], "does not match"),
        (["cursor", "--organization", "Acme", "--time-zone", "Mars"], "none that IANA"),
        (["openai_reports", "--organization", "Acme", "--report", "x"], "'x' is not one of"),
    ],
)
def test_a_wrong_command_is_told_in_a_sentence(arguments: list[str], fault: str) -> None:
    done = CliRunner().invoke(main, ["pull", *arguments])
    assert done.exit_code != 0
    assert fault in done.output
    assert "Traceback" not in done.output
