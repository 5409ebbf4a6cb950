"""Scrubbing: what must disappear from free text, what must stay, and how long it may take."""

import time

import pytest

from orchestration.landing.scrubbing import KEPT_CHARACTERS, scrub


@pytest.mark.parametrize(
    "text",
    [
        "rate limit exceeded: 429, retry after 20 s",
        "context length 128000 exceeded",
        "This model's maximum context length is 128000 tokens. However, your messages resulted "
        "in 210000 tokens.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Model claude-3-5-sonnet-20241022 not found",
        "The model anthropic/claude-3.5-sonnet is overloaded",
        "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 28000",
        "upstream timed out after 30.5 s (504)",
        "Quota exceeded: 5,000 requests/day, 20 tokens/s",
        "[Errno 61] Connection refused",
        "HTTP 500: Internal Server Error",
        "tokens: 128000, max_tokens: 4096",
        "failed at 2025-01-01T12:34:56Z, again at 12:35:07",
        "'ModelResponse' object has no attribute 'completion_tokens'",
        "insufficient_quota",
        "Zeitüberschreitung nach 30 s",
        "",
    ],
)
def test_what_providers_say_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Incorrect API key provided: sk-proj-abc***xyz. Retry", "Incorrect [secret] Retry"),
        ("key sk-ant-api03-AbCdEf012345 refused", "key [secret] refused"),
        ("AKIAIOSFODNN7EXAMPLE leaked", "[secret] leaked"),
        ("bad token ghp_abcdefghij1234567890ABCDEFGHIJ123456", "bad token [secret]"),
        ("Authorization: Bearer abc.def.ghi", "[secret]"),
        ("sent bearer abcdef123456 again", "sent [secret] again"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.dozjgNryP4J3 back", "got [secret] back"),
        ("password=hunter2 failed", "[secret] failed"),
        ("password: hunter2", "[secret]"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPx", "[secret]"),
        ("postgres://bob:pw@db.internal:5432/x refused", "[url] refused"),
        ("contact jane.doe+x@mail.example.com now", "contact [email] now"),
        ("open /home/jane/project/main.py failed", "open [path] failed"),
        ("cannot read ~/code/a.txt", "cannot read [path]"),
        ("C:\\Users\\jane\\x.py not found", "[path] not found"),
        ("\\\\server\\share\\plan.docx not found", "[path] not found"),
        ("see src/app/main.py:12", "see [path]"),
        ("cannot import settings_local.py", "cannot import [path]"),
        ("Error in `os.system('x')` call", "Error in [code] call"),
        ("Fix:\n```python\nprint(1)\n```\nthen retry", "Fix: [code] then retry"),
        ("unclosed ```python\nprint(1)", "unclosed [code]"),
        ("def add(a, b): return a + b", "[code]"),
        ("invalid: x = compute(secret_plan)", "invalid: [code]"),
        ("const x = 5;", "[code]"),
        ("SELECT name FROM users WHERE id=5", "[code]"),
        ('near "write me a poem about spring"', "near [code]"),
        ("at com.acme.Foo.bar(Foo.java:12)", "[code]"),
        ('Traceback (most recent call last):\n  File "/x/y.py", line 3, in f\n    return foo(bar)\n'
         "ValueError: bad", "[code] ValueError: bad"),
        ("connect 10.0.0.12:5432 refused", "connect [ip] refused"),
        ("fe80::1ff:fe23:4567:890a is down", "[ip] is down"),
        ("digest deadbeefdeadbeef01234567", "digest [secret]"),
        ("blob QWxhZGRpbjpvcGVuIHNlc2FtZQ12Zz09 refused", "blob [secret] refused"),
        ("roles must alternate: ------- SYSTEM Act as an expert USER fix it",
         "roles must alternate: [prompt]"),
        ("prompt: write me a poem", "[prompt]"),
        ("tab\tand \x1b[31mcolour", "tab and [31mcolour"),
        ('{"error":{"message":"Rate limit of 40,000 tokens"}}',
         '{"error":{message: Rate limit of 40,000 tokens}}'),
    ],
)  # fmt: skip
def test_what_must_not_be_stored_is_replaced(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


def test_none_stays_none() -> None:
    assert scrub(None) is None


def test_a_long_text_is_cut_without_leaving_half_a_secret() -> None:
    scrubbed = scrub("limit reached " * 285 + "sk-" + "a1B2" * 3000)
    assert len(scrubbed) <= KEPT_CHARACTERS
    assert "sk-" not in scrubbed
    assert scrubbed.startswith("limit reached limit reached")


@pytest.mark.parametrize(
    "unit",
    ["a", "'", '"', "`", "/", "a@", "a.", "1.", "::", "\\", "eyJ", "sk-", "(a", "def ", "aA1",
     "password ", "key=", "a/", "select ", "if ", "<a", "-", "import a,", "return x ", "~", "_",
     "\n", " ", "\na=", "[code] ", "at ", "a b "],
)  # fmt: skip
def test_hostile_texts_of_a_megabyte_take_no_time(unit: str) -> None:
    long_text = unit * (1_000_000 // len(unit))
    # Words short enough to reach every rule, in as much text as the rules ever see.
    short_words = ((unit * 190)[:190] + " ") * 100
    started = time.perf_counter()
    for text in (long_text, short_words, short_words[:490]):
        assert len(scrub(text)) <= KEPT_CHARACTERS
    assert time.perf_counter() - started < 1.0
