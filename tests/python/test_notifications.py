"""Notifications, delivered to a real HTTP server and a real SMTP server on this machine."""

import logging
import socketserver
from collections.abc import Iterator

import pytest
from support.webhooks import Webhook, serving

from orchestration.defs.notifications import Notifier
from orchestration.errors import WarehouseError
from orchestration.notifications import Notification

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
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        monkeypatch.setenv("WAREHOUSE_WEBHOOK_URL", server.url)
        yield server


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        for name, value in {
            "WAREHOUSE_SMTP_HOST": "127.0.0.1",
            "WAREHOUSE_SMTP_PORT": str(server.server_address[1]),
            "WAREHOUSE_SMTP_SECURITY": "none",
            "WAREHOUSE_MAIL_FROM": "warehouse@example.com",
            "WAREHOUSE_MAIL_TO": "on-call@example.com, data@example.com",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def test_a_webhook_gets_what_slack_takes(webhook: Webhook) -> None:
    Notifier().send(NOTIFICATION)
    assert webhook.posted == [
        (
            "application/json",
            {"text": "nightly failed\nStep warehouse_models\nRed check: ünique"},
        )
    ]


def test_mail_reaches_everybody(mail_server: MailServer) -> None:
    Notifier().send(NOTIFICATION)
    (message,) = mail_server.messages
    assert "Subject: nightly failed" in message
    assert "Step warehouse_models" in message
    assert [line for line in mail_server.commands if line.startswith("rcpt")] == [
        "rcpt TO:<on-call@example.com>",
        "rcpt TO:<data@example.com>",
    ]
    assert not [line for line in mail_server.commands if line.startswith("AUTH")]


def test_mail_is_sent_as_a_user_when_one_is_named(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_SMTP_USER", "warehouse")
    with pytest.raises(WarehouseError, match="WAREHOUSE_SMTP_PASSWORD is not set"):
        Notifier().send(NOTIFICATION)
    monkeypatch.setenv("WAREHOUSE_SMTP_PASSWORD", "hunter2")
    Notifier().send(NOTIFICATION)
    assert len(mail_server.messages) == 1
    assert [line for line in mail_server.commands if line.startswith("AUTH")]


def test_what_one_channel_refuses_the_other_gets(webhook: Webhook, mail_server: MailServer) -> None:
    webhook.status = 500
    with pytest.raises(WarehouseError, match=r"could not be delivered by webhook: status 500\."):
        Notifier().send(NOTIFICATION)
    assert len(mail_server.messages) == 1
    webhook.status = 200
    mail_server.refuses = True
    with pytest.raises(WarehouseError, match="e-mail: SMTPRecipientsRefused"):
        Notifier().send(NOTIFICATION)
    assert len(webhook.posted) == 2


def test_secrets_are_in_no_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WAREHOUSE_WEBHOOK_URL", "http://127.0.0.1:9/services/secret-token")
    with caplog.at_level(logging.DEBUG), pytest.raises(WarehouseError) as refused:
        Notifier().send(NOTIFICATION)
    assert "secret-token" not in f"{refused.value}{refused.value.__cause__}{caplog.text}"


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("WAREHOUSE_SMTP_SECURITY", "ssl", "must be starttls, tls or none"),
        ("WAREHOUSE_SMTP_PORT", "smtp", "WAREHOUSE_SMTP_PORT must be a number"),
        ("WAREHOUSE_MAIL_TO", "", "WAREHOUSE_MAIL_TO is not set"),
        # The server offers no encryption, and nothing is sent without.
        ("WAREHOUSE_SMTP_SECURITY", "starttls", "SMTPNotSupportedError"),
    ],
)
def test_wrong_settings_are_named(
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    reason: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WarehouseError, match=reason):
        Notifier().send(NOTIFICATION)
    assert mail_server.messages == []


def test_without_channels_it_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    Notifier().send(NOTIFICATION)
    assert "Red check: ünique" in caplog.text
