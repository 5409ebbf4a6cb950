"""OpenTelemetry: spans and events that instruments send, and how they become events that land."""
