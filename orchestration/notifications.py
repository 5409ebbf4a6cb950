"""Tells people over whatever Apprise reaches, such as Slack, Teams or e-mail.

Where to is read from the environment when something is told, so that neither addresses nor
passwords show up in the UI.
"""

import datetime as dt
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.errors import WarehouseError

SETTING = "WAREHOUSE_NOTIFY_URLS"
"""The environment variable with the URLs of Apprise, with spaces between."""


@dataclass(frozen=True)
class Notification:
    """Something that people should know, and what to do about it.

    Attributes:
        summary: In one line what, who, how much, and since when.
        cause: The likely one.
        command: What to do next.
        look: Where it can be seen: a page of Dagster, a query.
        details: What else is known, a line each.
    """

    summary: str
    cause: str
    command: str
    look: tuple[str, ...]
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as plain text."""
        return "\n".join(
            [
                self.summary,
                *self.details,
                f"Likely cause: {self.cause}",
                f"Next: {self.command}",
                *(f"Look: {place}" for place in self.look),
            ]
        )


def moment(when: dt.datetime) -> str:
    """Return a moment as people are told it.

    Args:
        when: The moment, in any zone.

    Returns:
        Day and minute in UTC.
    """
    return f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def deliver(notifications: Sequence[Notification]) -> None:
    """Deliver as one message, over every channel that `WAREHOUSE_NOTIFY_URLS` names.

    Args:
        notifications: What to tell, the gravest first, whose summary becomes the title.

    Raises:
        WarehouseError: A channel did not take it, or is none; the others got it. The message has
            none of the URLs, which hold tokens and passwords.
    """
    urls = os.environ.get(SETTING, "").split()
    if not urls:
        return
    # Imported here: Apprise is needed only where somebody is told.
    import apprise

    # It logs its URLs, and the library below it the paths of those that are called.
    apprise.logger.disabled = True
    logging.getLogger("urllib3").setLevel(logging.INFO)
    channels = apprise.Apprise()
    first, *others = notifications
    title = f"{first.summary} (and {len(others)} more)" if others else first.summary
    are_known = [channels.add(url) for url in urls]
    told = channels.notify(
        title=title,
        body="\n\n".join(map(str, notifications)).removeprefix(f"{first.summary}\n"),
        body_format=apprise.NotifyFormat.TEXT,
    )
    failures = [channel.name for channel in told if not channel]
    if not all(are_known):
        failures.append("a URL that Apprise does not know")
    if not told and not failures:
        failures.append("Apprise, which did not begin")
    if failures:
        raise WarehouseError(
            f"{title!r} could not be delivered by {', '.join(failures)}. What "
            f'APPRISE_URLS="${SETTING}" apprise -vv --body test prints says why.'
        )
