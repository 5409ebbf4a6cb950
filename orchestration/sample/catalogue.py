"""What the sample is made of: models, task types, time zones, names and error messages.

The rates here are the generator's own rough idea of a price, used for estimates inside routing
decisions and for the costs that some sources claim. The price book (`seeds/pricing/`) is the truth
and owes nothing to them.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Provider:
    """One vendor and how its service behaves.

    Attributes:
        name: The provider's name, as events and prices spell it.
        popularity: Relative weight among the providers that an organization picks.
        failures_per_mille: Attempts in a thousand that fail on an ordinary day.
        reported_cost_percent: Executions in a hundred whose source claims a cost.
    """

    name: str
    popularity: int
    failures_per_mille: int
    reported_cost_percent: int


@dataclass(frozen=True, slots=True)
class Model:
    """One priced model.

    Attributes:
        provider: Name of the provider that serves it.
        name: The model's name, as the price book spells it.
        available_from: First day on which a price is in force, UTC.
        popularity: Relative weight among the models of its provider.
        input_rate: Rough price of uncached input, in nano-USD a token (1000 = 1 USD per million).
        output_rate: Rough price of output, in nano-USD a token.
        quality: Typical quality score, in thousandths.
        speed: Typical duration against a middling model, in 1/1024.
        caches: Whether the provider reports input read from a cache.
        writes_cache: Whether the provider reports input written to a cache.
        reasons: Whether output holds reasoning tokens.
        batches: Whether a batch tier is on offer.
    """

    provider: str
    name: str
    available_from: date
    popularity: int
    input_rate: int
    output_rate: int
    quality: int
    speed: int
    caches: bool = False
    writes_cache: bool = False
    reasons: bool = False
    batches: bool = False


@dataclass(frozen=True, slots=True)
class TaskType:
    """One kind of work with its typical size.

    Attributes:
        name: The task type, as events spell it.
        weight: Relative frequency.
        input_tokens: Median input, tokens.
        output_tokens: Median output, tokens.
        duration_ms: Median duration, milliseconds.
    """

    name: str
    weight: int
    input_tokens: int
    output_tokens: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Zone:
    """One reporting time zone.

    Attributes:
        name: IANA name.
        office_offset_minutes: Offset from UTC that office hours follow, in minutes, summer time
            of the northern half-year where there is one. A constant and not the time zone
            database, because its version differs between machines and the bytes must not.
        weight: Relative frequency among organizations.
        region: The data centre that is close.
    """

    name: str
    office_offset_minutes: int
    weight: int
    region: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail.

    Attributes:
        code: The `error_code`.
        message: The `error_message`; a few carry what the loader has to scrub.
        weight: Relative frequency.
        bills: Whether the provider had taken the input in, and so charges for it.
    """

    code: str
    message: str
    weight: int
    bills: bool


PROVIDERS = (
    Provider("openai", 30, 35, 6),
    Provider("anthropic", 30, 38, 0),
    Provider("google", 18, 42, 0),
    Provider("github_copilot", 24, 30, 0),
    Provider("mistral", 9, 48, 50),
    Provider("deepseek", 8, 55, 0),
    Provider("xai", 8, 52, 90),
)

MODELS = (
    Model("openai", "gpt-4o", date(2024, 5, 13), 4, 2500, 10000, 780, 900, True, batches=True),
    Model("openai", "gpt-4o-mini", date(2024, 7, 18), 4, 150, 600, 690, 500, True, batches=True),
    Model("openai", "o3", date(2025, 4, 16), 4, 2000, 8000, 850, 2100, True, False, True),
    Model("openai", "o4-mini", date(2025, 4, 16), 4, 1100, 4400, 800, 1200, True, False, True),
    Model("openai", "gpt-4.1", date(2025, 4, 14), 8, 2000, 8000, 800, 900, True, batches=True),
    Model("openai", "gpt-4.1-mini", date(2025, 4, 14), 6, 400, 1600, 730, 600, True, batches=True),
    Model("openai", "gpt-5", date(2025, 8, 7), 14, 1250, 10000, 860, 1400, True, False, True),
    Model("openai", "gpt-5-mini", date(2025, 8, 7), 12, 250, 2000, 790, 800, True, False, True),
    Model("openai", "gpt-5-nano", date(2025, 8, 7), 6, 50, 400, 690, 450, True, False, True),
    Model(
        "openai",
        "gpt-5.2-codex",
        date(2025, 12, 11),
        10,
        1750,
        14000,
        880,
        1500,
        True,
        reasons=True,
    ),
    Model(
        "openai", "gpt-5.3-codex", date(2026, 2, 5), 16, 1750, 14000, 890, 1400, True, reasons=True
    ),
    Model("openai", "gpt-5.4", date(2026, 3, 5), 12, 2500, 15000, 900, 1300, True, False, True),
    Model("openai", "gpt-5.4-mini", date(2026, 3, 17), 10, 750, 4500, 820, 750, True, False, True),
    Model("openai", "gpt-5.5", date(2026, 4, 23), 8, 5000, 30000, 920, 1400, True, False, True),
    Model(
        "openai", "gpt-5.6-terra", date(2026, 7, 30), 12, 2000, 12000, 910, 1100, True, True, True
    ),
    Model("openai", "gpt-5.6-luna", date(2026, 7, 30), 8, 200, 1200, 810, 600, True, True, True),
    Model(
        "anthropic",
        "claude-3-5-sonnet-20241022",
        date(2024, 10, 22),
        2,
        3000,
        15000,
        800,
        1100,
        True,
        True,
    ),
    Model(
        "anthropic",
        "claude-sonnet-4-20250514",
        date(2025, 5, 22),
        4,
        3000,
        15000,
        850,
        1100,
        True,
        True,
    ),
    Model(
        "anthropic",
        "claude-sonnet-4-5",
        date(2025, 9, 29),
        16,
        3000,
        15000,
        880,
        1100,
        True,
        True,
        batches=True,
    ),
    Model(
        "anthropic",
        "claude-haiku-4-5",
        date(2025, 10, 15),
        16,
        1000,
        5000,
        800,
        600,
        True,
        True,
        batches=True,
    ),
    Model(
        "anthropic",
        "claude-opus-4-5",
        date(2025, 11, 24),
        8,
        5000,
        25000,
        910,
        1500,
        True,
        True,
        True,
    ),
    Model(
        "anthropic",
        "claude-sonnet-4-6",
        date(2026, 2, 17),
        20,
        3000,
        15000,
        890,
        1050,
        True,
        True,
        True,
        True,
    ),
    Model(
        "anthropic",
        "claude-opus-4-7",
        date(2026, 4, 16),
        10,
        5000,
        25000,
        925,
        1400,
        True,
        True,
        True,
    ),
    Model(
        "anthropic",
        "claude-opus-4-8",
        date(2026, 5, 28),
        8,
        5000,
        25000,
        930,
        1400,
        True,
        True,
        True,
    ),
    Model(
        "anthropic",
        "claude-sonnet-5",
        date(2026, 6, 30),
        18,
        2500,
        12500,
        915,
        1000,
        True,
        True,
        True,
    ),
    Model(
        "google", "gemini-2.5-pro", date(2025, 3, 20), 14, 1250, 10000, 850, 1300, True, False, True
    ),
    Model(
        "google", "gemini-2.5-flash", date(2025, 3, 20), 14, 300, 2500, 770, 600, True, False, True
    ),
    Model("google", "gemini-2.5-flash-lite", date(2025, 6, 17), 6, 100, 400, 700, 400, True),
    Model(
        "google",
        "gemini-3-flash-preview",
        date(2025, 12, 17),
        12,
        500,
        3000,
        820,
        650,
        True,
        False,
        True,
    ),
    Model(
        "google",
        "gemini-3.1-pro-preview",
        date(2026, 2, 19),
        14,
        2000,
        12000,
        890,
        1300,
        True,
        False,
        True,
    ),
    Model(
        "google", "gemini-3.5-flash", date(2026, 5, 19), 12, 1500, 9000, 850, 650, True, False, True
    ),
    Model(
        "google", "gemini-3.6-flash", date(2026, 7, 23), 8, 1000, 5000, 860, 600, True, False, True
    ),
    Model("github_copilot", "gpt-4.1", date(2025, 4, 14), 12, 2000, 8000, 800, 950, True),
    Model(
        "github_copilot",
        "claude-sonnet-4.5",
        date(2025, 9, 29),
        14,
        3000,
        15000,
        880,
        1150,
        True,
        True,
    ),
    Model(
        "github_copilot",
        "gpt-5-mini",
        date(2025, 8, 13),
        12,
        250,
        2000,
        790,
        850,
        True,
        False,
        True,
    ),
    Model(
        "github_copilot",
        "claude-haiku-4.5",
        date(2025, 10, 15),
        10,
        1000,
        5000,
        800,
        650,
        True,
        True,
    ),
    Model(
        "github_copilot",
        "gpt-5.3-codex",
        date(2026, 2, 13),
        12,
        1750,
        14000,
        890,
        1450,
        True,
        reasons=True,
    ),
    Model(
        "github_copilot",
        "claude-sonnet-4.6",
        date(2026, 2, 17),
        12,
        3000,
        15000,
        890,
        1100,
        True,
        True,
    ),
    Model("mistral", "codestral-latest", date(2024, 5, 29), 14, 1000, 3000, 760, 550),
    Model("mistral", "mistral-medium-latest", date(2025, 5, 29), 8, 400, 2000, 780, 750),
    Model("mistral", "devstral-2512", date(2025, 12, 9), 12, 400, 2000, 800, 800),
    Model("mistral", "mistral-large-latest", date(2025, 12, 8), 6, 500, 1500, 800, 900),
    Model("deepseek", "deepseek-chat", date(2024, 6, 6), 10, 140, 280, 790, 1200, True),
    Model(
        "deepseek",
        "deepseek-reasoner",
        date(2025, 1, 20),
        6,
        140,
        280,
        830,
        2200,
        True,
        reasons=True,
    ),
    Model("deepseek", "deepseek-v4-flash", date(2026, 4, 24), 10, 140, 280, 820, 800, True),
    Model(
        "deepseek", "deepseek-v4-pro", date(2026, 4, 24), 8, 435, 870, 870, 1300, True, reasons=True
    ),
    Model("xai", "grok-4", date(2025, 7, 9), 6, 3000, 15000, 850, 1500, reasons=True),
    Model(
        "xai", "grok-code-fast-1", date(2025, 8, 28), 14, 200, 1500, 790, 500, True, reasons=True
    ),
    Model("xai", "grok-4-fast", date(2025, 9, 19), 10, 200, 500, 800, 600, True, False, True),
)

BASELINE_MODELS = tuple(model for model in MODELS if model.available_from < date(2026, 5, 1))
"""What a baseline policy may name: models that had a price before the default period began."""

UNKNOWN_MODELS = (
    "internal-router-preview",
    "house-finetune-2026-03",
    "codestral-nightly",
    "gpt-5.9-experimental",
)
"""Names that no price list has."""

TASK_TYPES = (
    TaskType("code_generation", 30, 6000, 1400, 16000),
    TaskType("bug_fix", 20, 9000, 900, 18000),
    TaskType("refactor", 14, 11000, 1800, 24000),
    TaskType("test_generation", 12, 5000, 1700, 17000),
    TaskType("documentation", 9, 3500, 800, 9000),
    TaskType("code_review", 15, 14000, 500, 13000),
)

LANGUAGES = (
    ("python", 26),
    ("typescript", 24),
    ("java", 12),
    ("go", 10),
    ("csharp", 7),
    ("rust", 6),
    ("sql", 5),
    ("kotlin", 4),
    ("php", 3),
    ("ruby", 3),
)

REQUEST_TYPES = (("chat", 40), ("agent", 30), ("completion", 20), ("edit", 10))

ZONES = (
    Zone("America/New_York", -240, 20, "us-east-1"),
    Zone("Europe/Berlin", 120, 18, "eu-central-1"),
    Zone("Asia/Kolkata", 330, 12, "ap-south-1"),
    Zone("America/Los_Angeles", -420, 14, "us-west-2"),
    Zone("Australia/Lord_Howe", 630, 5, "ap-southeast-2"),
    Zone("Europe/London", 60, 14, "eu-west-2"),
    Zone("Asia/Tokyo", 540, 8, "ap-northeast-1"),
    Zone("America/Sao_Paulo", -180, 7, "sa-east-1"),
    Zone("Australia/Sydney", 600, 4, "ap-southeast-2"),
    Zone("UTC", 0, 4, "eu-west-1"),
)

WORKING_HOURS = (
    (3, 2, 2, 2, 2, 3, 6, 18, 52, 84, 100, 96, 58, 76, 96, 98, 90, 66, 34, 22, 18, 14, 9, 5)
)  # fmt: skip
"""Relative activity by local hour on a weekday, with the dip at lunch."""

WEEKEND_DIVISOR = 7
"""How many times quieter a Saturday or Sunday is."""

TIERS = (("free", 15), ("team", 45), ("enterprise", 40))

MONTHLY_BUDGETS_USD = (500, 1500, 2500, 5000, 12000, 25000, 60000)

ORGANIZATION_FIRST_WORDS = (
    "Northwind", "Halden", "Brightwater", "Kestrel", "Lumen", "Tessellate", "Quarry", "Ostrava",
    "Meridian", "Juniper", "Cobalt", "Fathom", "Saffron", "Palisade", "Arbor", "Vantage",
)  # fmt: skip

ORGANIZATION_SECOND_WORDS = (
    "Robotics", "Payments", "Health", "Logistics", "Games", "Energy", "Insurance", "Analytics",
    "Mobility", "Foods", "Systems", "Maps", "Bank",
)  # fmt: skip

GIVEN_NAMES = (
    "Ada", "Bruno", "Chiara", "Dmitri", "Esra", "Farid", "Grace", "Hiro", "Ines", "Jonas",
    "Kavya", "Liam", "Mei", "Noor", "Oluwaseun", "Priya", "Quentin", "Rosa", "Søren", "Tomás",
    "Uma", "Viktor", "Wanjiru", "Xin", "Yara", "Zoë",
)  # fmt: skip

FAMILY_NAMES = (
    "Almeida", "Becker", "Chen", "Dubois", "Eriksen", "Fischer", "García", "Hughes", "Iyer",
    "Jansen", "Kimura", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rao",
    "Sato", "Tanaka", "Ueda", "Vargas", "Weber", "Xu", "Yilmaz", "Zielińska", "O'Neill",
)  # fmt: skip

TEAMS = ("platform", "payments", "web", "mobile", "data", "infrastructure", "search", "security")

CLIENTS = (
    '"client":"ide_extension","client_version":"3.14.2","editor":"vscode"',
    '"client":"ide_extension","client_version":"3.15.0","editor":"vscode"',
    '"client":"ide_extension","client_version":"2.9.1","editor":"jetbrains"',
    '"client":"command_line","client_version":"1.22.0"',
    '"client":"command_line","client_version":"1.23.4","editor":"neovim"',
)
"""What the allow-listed metadata says about a user's tool, as a piece of JSON."""

FAILURES = (
    Failure(
        "rate_limited", "429 Too Many Requests: tokens per minute exceeded, retry later", 32, False
    ),
    Failure("overloaded", "529 The service is overloaded, please try again", 18, False),
    Failure("timeout", "Read timed out after 600 seconds while streaming the response", 16, True),
    Failure("server_error", "500 Internal server error (request was not completed)", 12, True),
    Failure("context_length_exceeded", "The prompt is too long for the context window", 8, False),
    Failure("content_filter", "The response was stopped by the content filter", 5, True),
    Failure(
        "invalid_response",
        "Could not parse patch: unexpected end of hunk in /home/dev/app/src/main.py",
        5,
        True,
    ),
    Failure("connection_reset", "Connection reset by peer while reading the response", 3, True),
    Failure(
        "authentication_failed",
        "Key of billing@example.com is not allowed to use this model",
        1,
        False,
    ),
)

STRATEGIES = (("cost_optimized", 45), ("balanced", 35), ("performance_optimized", 20))

ALGORITHM_VERSIONS = ("2.3.0", "2.4.1", "2.5.0")

ALTERNATIVE_REASONS = (
    "More expensive at similar quality",
    "Slower in the last hour",
    "Lower success rate for this task type",
    "Cheaper, but weaker on this language",
    "Close to its rate limit",
)

CHOICE_REASONS = (
    "Lowest expected cost above the quality floor",
    "Best quality within the budget of the task",
    "Best balance of cost, quality and latency",
    "Preferred by the policy of the organization",
)
