"""Notifications, delivered to a real HTTP server and a real SMTP server on this machine."""

import email
import email.policy
import socketserver
from collections.abc import Iterator

import pytest
from support.webhooks import Webhook, serving

from orchestration.defs.notifications import Notification, Notifier
from orchestration.errors import WarehouseError

NOTIFICATION = Notification("nightly failed", ("Step warehouse_models", "Red check: ünique"))


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
    assert document["title"] == "nightly failed"
    assert document["message"] == "Step warehouse_models\nRed check: ünique"
    Notifier().send(Notification("nightly succeeds again"))
    assert webhook.told[1:] == ["nightly succeeds again"]


def test_mail_reaches_everybody(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    send(monkeypatch, mail_url(mail_server))
    messages = [
        email.message_from_string(text, policy=email.policy.default)
        for text in mail_server.messages
    ]
    assert [message["To"] for message in messages] == ["on-call@example.com", "data@example.com"]
    for message in messages:
        assert message["Subject"] == "nightly failed"
        assert message["From"] == "warehouse@example.com"
        assert message.get_content().strip() == "Step warehouse_models\nRed check: ünique"
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
