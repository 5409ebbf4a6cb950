"""Tells people: in the log, and over whatever Apprise reaches, such as Slack, Teams or e-mail.

Where to is read from the environment when something is told, so that neither addresses nor
passwords show up in the UI.
"""

import logging
import os
from dataclasses import dataclass

import dagster as dg

from orchestration.errors import WarehouseError

SETTING = "WAREHOUSE_NOTIFY_URLS"
"""The environment variable with the URLs of Apprise, with spaces between."""


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


class Notifier(dg.ConfigurableResource[None]):
    """Delivers notifications over every channel that `WAREHOUSE_NOTIFY_URLS` names."""

    def send(self, notification: Notification) -> None:
        """Deliver a notification over all channels.

        Args:
            notification: What to tell.

        Raises:
            WarehouseError: A channel did not take it, or is none; the others got it. The message
                has none of the URLs, which hold tokens and passwords.
        """
        dg.get_dagster_logger().warning(str(notification))
        urls = os.environ.get(SETTING, "").split()
        if not urls:
            return
        # Imported here: Apprise is needed only where somebody is told.
        import apprise

        # It logs its URLs, and the library below it the paths of those that are called.
        apprise.logger.disabled = True
        logging.getLogger("urllib3").setLevel(logging.INFO)
        channels = apprise.Apprise()
        are_known = [channels.add(url) for url in urls]
        told = channels.notify(
            title=notification.title,
            # Few channels take a message without a text.
            body="\n".join(notification.lines) or notification.title,
            body_format=apprise.NotifyFormat.TEXT,
        )
        failures = [channel.name for channel in told if not channel]
        if not all(are_known):
            failures.append("a URL that Apprise does not know")
        if not told and not failures:
            failures.append("Apprise, which did not begin")
        if failures:
            raise WarehouseError(
                f"{notification.title!r} could not be delivered by {', '.join(failures)}. What "
                f'APPRISE_URLS="${SETTING}" apprise -vv --body test prints says why.'
            )
