"""Spans of inference, as the semantic conventions for generative AI name things, now and before.

Spans of agents, workflows and tools repeat the usage of the calls in them and never count.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Table,
    count,
    first,
    milliseconds,
    text,
    usd,
    whole,
)
from orchestration.sources.names import model_named, provider_named, provider_of
from orchestration.sources.source import Found

_INFERENCE = frozenset(
    {
        "chat",
        "completion",
        "embedding",
        "embeddings",
        "generate_content",
        "responses",
        "text_completion",
    }
)
"""The operations whose usage a provider bills; others repeat it or use nothing."""

_MODEL = (
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.response.model",
    "llm.request.model",
)
_INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
)
_CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
)
_CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
)

_OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
)
_REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens")


# Made once: each call goes through all of them.
_model = first(*_MODEL)
_model_text = text(*_MODEL)
_given_input = first(*_INPUT)
_operation = first("gen_ai.operation.name", "llm.request.type")
_named_provider = first("gen_ai.provider.name", "gen_ai.system", "llm.vendor")
_parts_of_input = (_given_input, first(*_CACHE_READ), first(*_CACHE_WRITE))
_parts_of_output = (first(*_OUTPUT), first(*_REASONING))
_given_tier = first(
    "openai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.openai.request.service_tier",
    "anthropic.response.service_tier",
)
_given_cost = usd(
    "gen_ai.usage.cost.amount",
    "litellm.cost.total",
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "gen_ai.cost.total_tokens",
)
_currency = first("gen_ai.usage.cost.currency")
_cost_source = first("gen_ai.usage.cost.source")
_router_type = first("litellm.routing.router_type")
_service = first("service.name")


def _input(record: Record) -> Any:
    """Return all input: conventions count cached tokens in it, and some instruments do not."""
    given, read, written = (whole(part(record)) for part in _parts_of_input)
    cached = [value for value in (read, written) if isinstance(value, int)]
    # More from the cache than there was input: then the input is what did not come from there.
    if isinstance(given, int) and sum(cached) > given:
        return given + sum(cached)
    return given


def _output(record: Record) -> Any:
    """Return all output: conventions count reasoning in it, and some instruments do not."""
    given, reasoning = (whole(part(record)) for part in _parts_of_output)
    if isinstance(given, int) and isinstance(reasoning, int) and reasoning > given:
        return given + reasoning
    return given


def _provider(record: Record) -> Any:
    name = _named_provider(record)
    if name is not None:
        return provider_named(str(name))
    model = _model(record)
    return provider_of(str(model)) if model is not None else None


def _named_model(record: Record) -> Any:
    name = _model_text(record)
    return None if name is None else model_named(name)


def _tier(record: Record) -> Any:
    tier = _given_tier(record)
    return None if tier in ("auto", "default", "standard") else tier


def _cost(record: Record) -> Any:
    """Return the cost that the span reports, where it is in US dollars."""
    currency = _currency(record)
    if currency is not None and str(currency).strip().upper() != "USD":
        return None
    return _given_cost(record)


def _tags(record: Record) -> list[str] | None:
    """Return whose figure the reported cost is: the provider's, or one that was worked out."""
    source = _cost_source(record)
    return [f"cost_source:{source}"[:200]] if isinstance(source, str) else None


def _client(record: Record) -> dict[str, Any] | None:
    service = _service(record)
    return {"client": str(service)[:200]} if service else None


_baseline = text("litellm.routing.savings_baseline_model")


def _baseline_provider(record: Record) -> str | None:
    """Return who bills the baseline, where its name says so: the name alone does not tell."""
    prefix, slash, model = (_baseline(record) or "").partition("/")
    return provider_named(prefix) if slash and prefix and model else None


def _baseline_model(record: Record) -> Any:
    name = _baseline(record)
    return name.partition("/")[2] if _baseline_provider(record) else name


ATTRIBUTION: Table = {
    "user": text("enduser.id", "user.id", "user.account_uuid", "user.account_id", "user.email"),
    "team": text("team.id", "team.name", "team"),
    "project": text("project.id", "project.name", "project"),
    "cost_center": text("cost_center", "cost_center.id", "department"),
    "repository": text("vcs.repository.name", "vcs.repository.url.full"),
    "branch": text("vcs.ref.head.name"),
}
"""Whose it is: attributes of a span, an event, or the resource that it comes from."""

TABLE: Table = {
    "start_time": first("span:start"),
    "end_time": first("span:end"),
    "session_id": text("gen_ai.conversation.id", "session.id"),
    "correlation_id": text("trace:id"),
    "agent_id": text("gen_ai.agent.id", "gen_ai.agent.name"),
    "workflow_id": text("gen_ai.workflow.name"),
    "task_type": text("task.type", "task_type"),
    "provider": _provider,
    "provider_request_id": text("gen_ai.response.id"),
    "model": _named_model,
    "request_type": text("gen_ai.operation.name", "llm.request.type"),
    "service_tier": _tier,
    "status": first("span:status"),
    "error_code": text("error.type"),
    "input_tokens": _input,
    "cached_input_tokens": count(*_CACHE_READ),
    "cache_write_tokens": count(*_CACHE_WRITE),
    "output_tokens": _output,
    "reasoning_tokens": count(*_REASONING),
    "audio_input_tokens": count("gen_ai.usage.audio.input_tokens"),
    "image_input_tokens": count("gen_ai.usage.image.input_tokens"),
    "audio_output_tokens": count("gen_ai.usage.audio.output_tokens"),
    "image_output_tokens": count("gen_ai.usage.image.output_tokens"),
    "time_to_first_token_ms": milliseconds(
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        per_unit=1000,
    ),
    "reported_cost_usd": _cost,
    "api_key_alias": text("litellm.api_key.alias", "gen_ai.api_key.alias"),
    "tags": _tags,
    "metadata": _client,
    **ATTRIBUTION,
}

ROUTING: Table = {
    "task_id": lambda span: f"{span['trace:id']}/{span['span:id']}",
    "decision_timestamp": first("span:start"),
    "updated_at": first("span:end", "span:start"),
    "chosen_provider": _provider,
    "chosen_model": text("litellm.routing.routed_model", *_MODEL),
    "routing_strategy": text("litellm.routing.router_type"),
    "algorithm_version": text("litellm.routing.router_config_fingerprint"),
    "reasoning": text("litellm.routing.cause"),
    "routing_overhead_cost_usd": usd("litellm.routing.classifier_cost"),
    "baseline_provider": _baseline_provider,
    "baseline_model": _baseline_model,
}


def is_inference(record: Record) -> bool:
    """Return whether a span is a call that a provider bills.

    Args:
        record: The span.

    Returns:
        Whether it is.
    """
    operation = _operation(record)
    if operation is not None:
        return str(operation) in _INFERENCE
    # Instruments from before operations had names: what has a model and usage is a call.
    return _model(record) is not None and _given_input(record) is not None


def found_in(spans: Iterable[Record]) -> Iterator[Found]:
    """Yield what counts of spans.

    Args:
        spans: The spans.

    Yields:
        Calls, and the decisions that led to them.
    """
    for span in spans:
        if not is_inference(span):
            continue
        key = (span["trace:id"], span["span:id"])
        yield Found("task_execution", key, span)
        if _router_type(span) is not None:
            yield Found("routing_decision", key, span)
