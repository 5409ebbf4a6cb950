"""A receiver in a process of its own, with little to import, because it is killed often."""

import datetime as dt
from uuid import UUID

import uvicorn

from orchestration.receiver.app import create_app
from orchestration.serving.principal import Keys

KEYS = Keys("a secret of at least thirty-two characters", None)


def sends(organization_id: UUID) -> dict[str, str]:
    """Return the header of who sends for an organization."""
    token = KEYS.token_for_events(organization_id, dt.timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


def serve(port: int) -> None:
    """Receive until the process is killed."""
    uvicorn.run(create_app(KEYS), host="127.0.0.1", port=port, log_level="critical")
