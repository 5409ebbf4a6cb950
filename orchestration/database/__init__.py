"""The PostgreSQL that the warehouse lives in: embedded server, connection settings, migrations."""
