"""The resource with which sensors tell people: over the channels, and in Dagster's log."""

import dagster as dg

from orchestration.notifications import Notification, deliver


class Notifier(dg.ConfigurableResource[None]):
    """Delivers notifications over every channel that `WAREHOUSE_NOTIFY_URLS` names."""

    def send(self, *notifications: Notification) -> None:
        """Write notifications to the log and deliver them as one message over all channels.

        Args:
            *notifications: What to tell, the gravest first.

        Raises:
            WarehouseError: A channel did not take it, or is none; the others got it.
        """
        dg.get_dagster_logger().warning("\n\n".join(map(str, notifications)))
        deliver(notifications)
