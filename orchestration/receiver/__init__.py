"""The receiver: OTLP/HTTP and events as JSON, acknowledged once they are committed."""
