"""Dagster's tables in PostgreSQL, over connections that stay open."""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config


class PooledPostgresStorage(DagsterPostgresStorage):
    """dagster-postgres with a pool of connections, instead of a new connection for every query.

    A build with nothing new makes some two thousand queries. A connection is tried before it is
    used again: a server that restarted is found as it would be without a pool.
    """

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        """Open the storage that the instance's settings ask for.

        Args:
            inst_data: Where Dagster read the settings.
            config_value: The settings, as dagster-postgres describes them.

        Returns:
            The storage.
        """
        url = pg_url_from_config(config_value)
        storage = cls(url, config_value.get("should_autocreate_tables", True), inst_data)
        for part in (storage._run_storage, storage._event_log_storage, storage._schedule_storage):
            part._engine = create_pg_engine(
                url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True
            )
        return storage

    def close(self) -> None:
        """Close the connections."""
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            part._engine.dispose()
