"""The resource with which sensors tell people: over the channels, and in Dagster's log."""

import dagster as dg

from orchestration.notifications import Notification, deliver


class Notifier(dg.ConfigurableResource[None]):
    """Delivers notifications over every channel that `WAREHOUSE_NOTIFY_URLS` names."""

    def send(self, notification: Notification) -> None:
        """Write a notification to the log and deliver it over all channels.

        Args:
            notification: What to tell.

        Raises:
            WarehouseError: A channel did not take it, or is none; the others got it.
        """
        dg.get_dagster_logger().warning(str(notification))
        deliver(notification)
