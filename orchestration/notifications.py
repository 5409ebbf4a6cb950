"""Tells people: by a webhook that takes what Slack takes, and by e-mail.

Where to is read from the environment when something is told, so that neither addresses nor
passwords show up in the UI.
"""

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

from orchestration.errors import WarehouseError

_SECONDS = 15


@dataclass(frozen=True)
class Notification:
    """Something that people should know.

    Attributes:
        title: In one line.
        lines: The details.
    """

    title: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as plain text."""
        return "\n".join([self.title, *self.lines])


def deliver(notification: Notification) -> None:
    """Deliver a notification over every channel that the environment names.

    `WAREHOUSE_WEBHOOK_URL`: gets `{"text": ...}` as JSON. `WAREHOUSE_SMTP_HOST`, with
    `WAREHOUSE_SMTP_PORT` (587), `WAREHOUSE_SMTP_SECURITY` (`starttls`, `tls` or `none`),
    `WAREHOUSE_SMTP_USER`, `WAREHOUSE_SMTP_PASSWORD`, `WAREHOUSE_MAIL_FROM` and `WAREHOUSE_MAIL_TO`
    (comma-separated): gets a message.

    Args:
        notification: What to tell.

    Raises:
        WarehouseError: A channel did not take it; the others got it.
    """
    failures = []
    for name, variable, send in (
        ("webhook", "WAREHOUSE_WEBHOOK_URL", _post),
        ("e-mail", "WAREHOUSE_SMTP_HOST", _mail),
    ):
        if not os.environ.get(variable):
            continue
        try:
            send(notification)
        except _UndeliveredError as error:
            failures.append(f"{name}: {error}")
    if failures:
        raise WarehouseError(
            f"{notification.title!r} could not be delivered by {'; '.join(failures)}."
        )


class _UndeliveredError(Exception):
    """Why a channel did not take a notification, without its address, which may be a secret."""


def _post(notification: Notification) -> None:
    import requests

    try:
        answer = requests.post(
            os.environ["WAREHOUSE_WEBHOOK_URL"], json={"text": str(notification)}, timeout=_SECONDS
        )
    except (requests.RequestException, ValueError) as error:
        # Its message holds the address.
        raise _UndeliveredError(type(error).__name__) from None
    if not answer.ok:
        raise _UndeliveredError(f"status {answer.status_code}")


def _mail(notification: Notification) -> None:
    message = EmailMessage()
    message["Subject"] = notification.title
    message["From"] = _required("WAREHOUSE_MAIL_FROM")
    message["To"] = _required("WAREHOUSE_MAIL_TO")
    message.set_content(str(notification))
    security = os.environ.get("WAREHOUSE_SMTP_SECURITY") or "starttls"
    if security not in ("starttls", "tls", "none"):
        raise _UndeliveredError("WAREHOUSE_SMTP_SECURITY must be starttls, tls or none")
    port = os.environ.get("WAREHOUSE_SMTP_PORT") or "587"
    if not port.isdigit():
        raise _UndeliveredError("WAREHOUSE_SMTP_PORT must be a number")
    host = os.environ["WAREHOUSE_SMTP_HOST"]
    verified = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, int(port), timeout=_SECONDS, context=verified)
            if security == "tls"
            else smtplib.SMTP(host, int(port), timeout=_SECONDS)
        ) as server:
            if security == "starttls":
                server.starttls(context=verified)
            user = os.environ.get("WAREHOUSE_SMTP_USER")
            if user:
                server.login(user, _required("WAREHOUSE_SMTP_PASSWORD"))
            server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        raise _UndeliveredError(type(error).__name__) from None


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise _UndeliveredError(f"{variable} is not set")
    return value
