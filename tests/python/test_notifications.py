"""Notifications, delivered to a real HTTP server and a real SMTP server on this machine."""

import email
import email.policy
import re
import shlex
import socketserver
from collections.abc import Iterator
from pathlib import Path

import click
import dagster as dg
import pytest
from support.checks import RULES
from support.webhooks import Webhook, serving

from orchestration.cli import main
from orchestration.defs.notifications import Notifier
from orchestration.errors import WarehouseError
from orchestration.notifications import Notification
from orchestration.project import project_root
from orchestration.quality.runbook import Advice, advice

NOTIFICATION = Notification(
    "nightly failed in warehouse_models: 1 run(s), since 2026-11-26 00:07 UTC",
    "Got 8 results.",
    "warehouse db status",
    ("/runs/1 in Dagster", "select 1"),
    ("Red check: ünique",),
)
TEXT = """Red check: ünique
Likely cause: Got 8 results.
Next: warehouse db status
Look: /runs/1 in Dagster
Look: select 1"""


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP to take messages, and keeps them."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailSession)
        self.messages: list[str] = []
        self.commands: list[str] = []
        self.refuses = False


class _MailSession(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mail.test")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            self.server.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                self.server.messages.append("\n".join(lines))
                self._say("250 taken")
            elif verb == "EHLO":
                self._say("250-mail.test\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self._say("235 welcome")
            elif verb == "RCPT" and self.server.refuses:
                self._say("550 nobody here")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        yield server


def mail_url(server: MailServer, scheme: str = "mailto", user: str = "") -> str:
    return (
        f"{scheme}://{user}127.0.0.1:{server.server_address[1]}"
        "?from=warehouse@example.com&to=on-call@example.com,data@example.com"
    )


def send(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    monkeypatch.setenv("WAREHOUSE_NOTIFY_URLS", " ".join(urls))
    Notifier().send(NOTIFICATION)


def test_a_webhook_gets_it_as_json(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    send(monkeypatch, webhook.url)
    ((content_type, document),) = webhook.posted
    assert content_type == "application/json"
    assert document["title"] == NOTIFICATION.summary
    assert document["message"] == TEXT


def test_several_are_one_message_with_the_first_as_its_title(
    webhook: Webhook, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_NOTIFY_URLS", f"{webhook.url} {mail_url(mail_server)}")
    other = Notification("weekly succeeds again", "somebody mended it", "nothing to do", ("here",))
    Notifier().send(NOTIFICATION, other)
    ((_, document),) = webhook.posted
    title = f"{NOTIFICATION.summary} (and 1 more)"
    text = (
        f"{TEXT}\n\nweekly succeeds again\nLikely cause: somebody mended it\n"
        "Next: nothing to do\nLook: here"
    )
    assert (document["title"], document["message"]) == (title, text)
    mail = email.message_from_string(mail_server.messages[0], policy=email.policy.default)
    assert (mail["Subject"], mail.get_content().strip()) == (title, text)


def test_mail_reaches_everybody(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    send(monkeypatch, mail_url(mail_server))
    messages = [
        email.message_from_string(text, policy=email.policy.default)
        for text in mail_server.messages
    ]
    assert [message["To"] for message in messages] == ["on-call@example.com", "data@example.com"]
    for message in messages:
        assert message["Subject"] == NOTIFICATION.summary
        assert message["From"] == "warehouse@example.com"
        assert message.get_content().strip() == TEXT
    assert [line for line in mail_server.commands if line.startswith("rcpt")] == [
        "rcpt TO:<on-call@example.com>",
        "rcpt TO:<data@example.com>",
    ]
    assert not [line for line in mail_server.commands if line.startswith("AUTH")]


def test_mail_is_sent_as_a_user_when_one_is_named(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(monkeypatch, mail_url(mail_server, user="warehouse:hunter2@"))
    assert len(mail_server.messages) == 2
    assert [line for line in mail_server.commands if line.startswith("AUTH")]


def test_what_one_channel_refuses_the_other_gets(
    webhook: Webhook, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.status = 500
    with pytest.raises(WarehouseError, match=r"could not be delivered by JSON\."):
        send(monkeypatch, webhook.url, mail_url(mail_server))
    assert len(mail_server.messages) == 2
    webhook.status = 200
    mail_server.refuses = True
    with pytest.raises(WarehouseError, match=r"could not be delivered by E-Mail\."):
        send(monkeypatch, webhook.url, mail_url(mail_server))
    assert len(webhook.posted) == 2


def test_secrets_are_in_no_message(
    webhook: Webhook,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mail_server.refuses = True
    with caplog.at_level(1), pytest.raises(WarehouseError) as refused:
        send(
            monkeypatch,
            webhook.url,
            "json://127.0.0.1:9/services/secret-token",
            "unheard-of://secret-token",
            mail_url(mail_server, user="warehouse:secret-token@"),
        )
    assert len(webhook.posted) == 1
    shown = f"{refused.value}{refused.value.__cause__}{caplog.text}{capfd.readouterr()}"
    assert "Red check" in shown
    assert "secret-token" not in shown


def test_a_url_that_is_none_is_told(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("unheard-of://host", "ops@example.com"):
        with pytest.raises(WarehouseError, match=r"by a URL that Apprise does not know\."):
            send(monkeypatch, wrong)
    with pytest.raises(WarehouseError, match=r"by a URL that Apprise does not know\."):
        send(monkeypatch, webhook.url, "unheard-of://host")
    assert len(webhook.posted) == 1


def test_mail_that_must_be_encrypted_is_not_sent_without(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WarehouseError, match="E-Mail"):
        send(monkeypatch, mail_url(mail_server, scheme="mailtos"))
    assert mail_server.messages == []


def test_without_channels_it_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    send(monkeypatch, "")
    assert "Red check: ünique" in caplog.text


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def tell_failure(
    definitions: dg.Definitions, instance: dg.DagsterInstance, error: Exception
) -> str:
    """Let a job fail with an error, and the sensor tell of it; return the run's id."""

    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def nightly() -> None:
        step()

    result = nightly.execute_in_process(instance=instance, raise_on_error=False)
    (event,) = [event for event in result.all_events if event.is_run_failure]
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs", dagster_event=event, dagster_instance=instance,
        dagster_run=result.dagster_run, resources={"notifier": Notifier()},
    )  # fmt: skip
    (failed_runs,) = [item for item in definitions.sensors or [] if item.name == "failed_runs"]
    assert callable(failed_runs)
    failed_runs(context.for_run_failure())
    return result.run_id


def test_a_failure_is_told_with_its_cause_next_command_and_link_and_without_secrets(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    webhook: Webhook,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_NOTIFY_URLS", f"{webhook.url} {mail_url(mail_server)}")
    monkeypatch.setenv("WAREHOUSE_UI_URL", "https://dagster.example.com/")
    run_id = tell_failure(
        definitions,
        instance,
        WarehouseError(
            "The server at postgresql://warehouse:hunter2@db/warehouse is away, "
            "password=hunter2 was not asked for."
        ),
    )
    ((_, document),) = webhook.posted
    assert re.fullmatch(
        r"nightly failed in step: 1 run\(s\), since \d{4}-\d\d-\d\d \d\d:\d\d UTC",
        document["title"],
    )
    cause, *others = document["message"].split("\n")
    assert cause.startswith("Likely cause: The server at ")
    assert others == [
        "Next: warehouse db status",
        f"Look: https://dagster.example.com/runs/{run_id}",
    ]
    mail = email.message_from_string(mail_server.messages[0], policy=email.policy.default)
    assert mail["Subject"] == document["title"]
    assert mail.get_content().strip() == document["message"]
    assert "hunter2" not in f"{document}{mail}"


def test_what_dbt_says_is_the_cause_and_no_more_than_people_read(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_NOTIFY_URLS", webhook.url)
    said = "Database Error in model dim_users\n  column member_since does not exist"
    tell_failure(
        definitions,
        instance,
        RuntimeError(
            f"The dbt CLI process failed.\n\nErrors parsed from dbt logs:\n\n{said}" + " x" * 999
        ),
    )
    ((_, document),) = webhook.posted
    cause = document["message"].split("\n")[0]
    assert cause.startswith(f"Likely cause: {' '.join(said.split())} x x")
    assert len(cause) <= len("Likely cause: ") + 500


def test_every_rule_and_sensor_has_a_cause_and_a_command_that_exists(
    definitions: dg.Definitions,
) -> None:
    alert_rules = project_root() / "models" / "intermediate" / "quality" / "int_alert_rules.sql"
    rules = {*RULES, *re.findall(r"^    \('(\w+)'", alert_rules.read_text("utf-8"), re.M)}
    sensors = {item.name for item in definitions.sensors or []}
    for name in rules | sensors - {"alerts", "landing_inbox"}:
        said = advice(name)
        assert re.match(r"[a-z].*\.$", said.cause), name
        assert not re.search(r"\bas (for|above)\b|\*\*|runbook\.md", f"{said}"), name
        for command in said.commands if name != "recovered_runs" else ():
            program, *words = shlex.split(command)
            assert program in ("warehouse", "git"), name
            if program == "warehouse":
                assert_exists(words)
    assert advice("recovered_runs").commands == ("nothing to do.",)


def assert_exists(words: list[str]) -> None:
    """Fail unless the command line has such a command with such options."""
    found: click.Command = main
    while isinstance(found, click.Group):
        name, *words = words
        assert name in found.commands, name
        found = found.commands[name]
    if found.name == "psql":
        assert words[0] == "-c"
        assert len(words) == 2
        assert "--" not in words[1], "a comment would hide the rest of the line"
        return
    options = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_without_the_runbook_a_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.quality.runbook.project_root", lambda: Path("/nowhere"))
    assert advice("few_tasks_fail") == Advice(
        "see docs/runbook.md#few_tasks_fail", ("see docs/runbook.md#few_tasks_fail",)
    )
