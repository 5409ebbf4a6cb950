"""Where the server listens, and who connects to what."""

import secrets
import socket

from orchestration.errors import WarehouseError

HOST = "127.0.0.1"
ROLE = "warehouse"
DATABASE = "warehouse"

# Below the range that systems use for outgoing connections, so the kept port stays free.
_PORTS = range(20000, 32000)


def free_port(wanted: int | None = None) -> int:
    """Return a port at which nothing listens.

    Args:
        wanted: The port to prefer, if it is one of the server's and free.

    Returns:
        The wanted one, else any.

    Raises:
        WarehouseError: None was found.
    """
    if wanted is not None and wanted in _PORTS and _is_free(wanted):
        return wanted
    for _ in range(1000):
        port = secrets.choice(_PORTS)
        if _is_free(port):
            return port
    raise WarehouseError(
        f"No free port between {_PORTS.start} and {_PORTS.stop} on {HOST} for the embedded server."
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As PostgreSQL does: a connection that was closed a moment ago does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
