"""The embedded PostgreSQL server: started on demand, on this machine only, with a password."""

from orchestration.database.embedded.address import DATABASE, HOST, ROLE
from orchestration.database.embedded.programs import embedded_bin_directory
from orchestration.database.embedded.server import EmbeddedServer

__all__ = ["DATABASE", "HOST", "ROLE", "EmbeddedServer", "embedded_bin_directory"]
