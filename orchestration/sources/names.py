"""What sources call providers, and who provides a model whose name stands alone.

Names of models stay as the source has them, but for the address at which AWS has one: how those are
written at the price book's is decided where prices are looked up, once for all sources.
"""

import re

from orchestration.sources.source import UNKNOWN

PROVIDERS = {
    "amazon-bedrock": "bedrock",
    "anthropic-api": "anthropic",
    "aws": "bedrock",
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks": "fireworks_ai",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "vertex_ai",
    "gemini": "google",
    "google ai studio": "google",
    "google-ai-studio": "google",
    "google-vertex": "vertex_ai",
    "google_genai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "text-completion-openai": "openai",
    "together": "together_ai",
    "vertex_ai-anthropic_models": "vertex_ai",
    "vertex_ai_beta": "vertex_ai",
    "x_ai": "xai",
    "x-ai": "xai",
}
"""What sources call a provider, and what the price book calls it; other names are the same."""

BEGINNINGS = {
    "chatgpt": "openai",
    "claude": "anthropic",
    "codestral": "mistral",
    "command": "cohere",
    "deepseek": "deepseek",
    "devstral": "mistral",
    "ft:gpt": "openai",
    "gemini": "google",
    "gpt": "openai",
    "grok": "xai",
    "kimi": "moonshotai",
    "magistral": "mistral",
    "mistral": "mistral",
    "text-embedding": "openai",
}
"""How the names of models begin that one company alone makes, and who that is."""

FOLDERS = {
    "accounts": "fireworks_ai",
    "converse": "bedrock",
    "invoke": "bedrock",
    "models": "google",
    "publishers": "vertex_ai",
}
"""Whose models lie in a folder that is not called as they are."""

_REASONING_OF_OPENAI = re.compile(r"o[0-9]")
_REGION_OF_BEDROCK = re.compile(r"(?:(?:us|us-gov|eu|apac|ap|au|ca|jp|global)\.)?[a-z0-9]+\.[a-z]")

_AT_AWS = re.compile(
    r"(?:.*/)?arn:[a-z-]+:bedrock:[^/]*:(?:foundation-model|inference-profile)/(.+)"
)
"""Addresses that end in the name of a model; others end in an id of one's own."""


def provider_named(name: str) -> str:
    """Return a provider as the price book calls it.

    Args:
        name: As a source calls it.

    Returns:
        The provider.
    """
    plain = name.strip().lower()
    return PROVIDERS.get(plain, plain)


def provider_of(model: str) -> str:
    """Return who provides a model whose name says so.

    Args:
        model: The name, with the provider before a slash or alone.

    Returns:
        The provider; "unknown" where the name does not tell.
    """
    plain = model.lower()
    if ":bedrock:" in plain:
        return "bedrock"
    prefix, slash, _ = plain.partition("/")
    if slash:
        return FOLDERS.get(prefix) or provider_named(prefix)
    if _REGION_OF_BEDROCK.match(plain):
        return "bedrock"
    for beginning, provider in BEGINNINGS.items():
        if plain.startswith(beginning):
            return provider
    return "openai" if _REASONING_OF_OPENAI.match(plain) else UNKNOWN


def model_named(name: str) -> str:
    """Return a model by its name where a source has its address at AWS.

    Args:
        name: As a source has it.

    Returns:
        The name; an address that tells no model as it is.
    """
    at_aws = _AT_AWS.fullmatch(name) if ":bedrock:" in name else None
    return at_aws[1] if at_aws else name
