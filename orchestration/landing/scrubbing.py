"""Removes secrets, addresses, paths and code from free text before it is stored.

The rules lean towards removing too much: a marker in an error message costs a reader a look at the
source system, a leaked key or prompt cannot be taken back. What stays readable is what providers
write themselves: phrases, numbers, limits and simple names.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import overload

WINDOW_CHARACTERS = 4_000
"""Only this much of a text is looked at, which bounds the time for any text."""

KEPT_CHARACTERS = 500
"""The longest text that is returned."""

# Most messages are a plain sentence. This recognizes them in one pass: short words and numbers, and
# punctuation that cannot be part of an address, a path, a key or code.
_PLAIN = re.compile(r"(?:[A-Za-z0-9]{1,15}(?:[.,;:]?(?: |\Z)|(?=[()%-])|\Z)|[()%-]{1,2} ?)*\Z")
_SENSITIVE_WORD = re.compile(
    r"pass|pwd|secret|key|token:|auth|bearer|basic|credential|cookie|prompt|content|"
    r"completion|messages?:|system|user|assistant|human|"
    # and the words that lines of code begin with
    r"\b(?:def|class|import|from|return|function|const|let|var|select|insert|update|delete|"
    r"for|while|if|elif|else|try|except|with|traceback|at)\b",
    re.IGNORECASE,
)

_NAME_OF_SENSITIVE_VALUE = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|api[ _-]?keys?(?: provided)?|auth|"
    r"authorization|(?:access|private|secret|session|signing|encryption|client|account)"
    r"[ _-]?(?:keys?|tokens?|secrets?|ids?)|x-api-key|credentials?|(?:set-)?cookies?|key|sig|"
    r"signature)"
)

_CODE_LINE = re.compile(
    r"(?:^|(?<=\n))[ \t]*(?:"
    r"(?:async +)?def +\w|class +\w+ *[:({]|@\w[\w.]*(?:\(|$)|"
    r"from +[\w.]+ +import\b|import +[\w.*{}\", ]+(?:;|$| as | from )|"
    r"(?:return|yield|throw|raise|await|assert|print|echo|lambda)\b[^\n]{0,200}[({\[=;]|"
    r"(?:export +|public +|private +|protected +|static +)*(?:const|let|var|val|final|func|fn|"
    r"function|struct|enum|interface|package|namespace|type)\b[^\n]{0,200}[={(;]|"
    r"(?:public|private|protected|static)\b +\w|"
    r"(?:if|for|while|elif|switch|catch)\b[^\n]{0,200}[:{] *(?:\n|\Z)|"
    r"(?:else|try|finally|do) *[:{]|(?:except|with)\b[^\n]{0,200}: *(?:\n|\Z)|"
    r"(?:if|for|while|switch|catch) *\(|"
    r"(?:select\b[^\n]{0,400}\bfrom\b|insert +into\b|update\b[^\n]{0,200}\bset\b|"
    r"delete +from\b|create +(?:table|view|function|index)\b|drop +table\b|alter +table\b)|"
    r"#!|#include\b|#define\b|<\?php|<!?[a-z][^\n<>]{0,200}>|</|>>>|\.\.\. |\$ |"
    r"(?:\+\+\+|---) +\S|@@ |diff --git\b|\}|\{ *(?:\n|\Z)|//|/\*|"
    r"[\w.\[\]]+ *(?:[-+*/|&:]?=)(?!=) *[^\n ]|"
    r"[\w.]+\([^\n]{0,200}\) *;? *(?:\n|\Z)|"
    r"at +[\w.$<>]+ *\(|at +\S+:\d+|File +\"|Traceback +\("
    r")[^\n]*",
    re.IGNORECASE,
)
_CODE_TAIL = re.compile(
    # A brace after a quote or another brace ends JSON, whose sentences are worth keeping.
    r"(?:^|(?<=\n))[^\n]*(?:[;{]|(?<![\"'\w\]}])\}|=>|\) *:|&&|\|\|) *(?=\n|\Z)"
)
_CODE_INLINE = re.compile(
    r"\b(?:async +)?def +\w+ *\([^\n]*|\bclass +\w+ *[({:][^\n]*|"
    r"\bfunction\b *\w* *\([^\n]*|\b(?:const|let|var) +\w+ *=[^\n]*|"
    r"\bfrom +[\w.]+ +import +[^\n]*|\blambda\b[^\n]{0,80}:[^\n]*|"
    r"\bselect\b[^\n]{1,400}\bfrom\b +[\w.\"]+[^\n]*|\binsert +into\b[^\n]*|"
    r"\([^()\n]{0,80}\) *=>[^\n]*|\breturn +[\w.]+ *[-+*/(][^\n]*|"
    r"\b[a-z_][\w.]* *= *[\w.]+[(\[][^\n]*|"
    r"[\w.\]]+\([^()\n]{0,200}\) *[;{][^\n]*|#include\b[^\n]*|"
    r"<(?:[a-z]+)(?: [^<>\n]{0,200})?>[^\n]*",
    re.IGNORECASE,
)

_FILE_ENDING = (
    r"(?:py|pyi|ipynb|js|jsx|mjs|cjs|ts|tsx|java|kt|go|rs|rb|php|cs|c|h|cc|cpp|hpp|m|swift|scala|"
    r"sh|bash|zsh|ps1|bat|sql|json|jsonl|ndjson|ya?ml|toml|ini|cfg|conf|env|xml|html?|css|scss|md|"
    r"rst|txt|csv|tsv|log|lock|pem|key|crt|pdf|docx?|xlsx?|zip|tar|gz|so|dll|exe|vue|lua|pl|r|"
    r"ex|exs|dart|tf|gradle|properties|proto|parquet|db|sqlite)"
)


def _kept_or_code(match: re.Match[str]) -> str:
    """Keep what the first group caught, and replace everything else."""
    return match[1] or "[code]"


# In this order: what can hold other things first (fences, key blocks, urls), words last.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,40}-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.S),
        "[secret]",
    ),
    (re.compile(r"(?:```|~~~).*?(?:```|~~~|\Z)", re.S), "[code]"),
    # Some providers repeat the conversation that they refuse.
    (
        re.compile(r"(?:-{3,}\s*|(?:^|(?<=\n))\s*)(?:SYSTEM|USER|ASSISTANT|HUMAN)\b.*", re.S),
        "[prompt]",
    ),
    (
        re.compile(
            r"\b(?:prompt|completion|(?:system|user|assistant|human)(?: message| prompt)?|messages|"
            r"content)[\"']? *[:=] *(?!\d)\S.*",
            re.I | re.S,
        ),
        "[prompt]",
    ),
    # An error inside JSON: its own sentence stays, without the quotes around it.
    (re.compile(r"[\"']message[\"'] *: *\"([^\"\\]{0,1000})\""), r"message: \1"),
    (re.compile(r"`[^`]*(?:`|\Z)"), "[code]"),
    # No word is that long; this also keeps the rules below from looking far ahead.
    (re.compile(r"[!#-&(-_a-~]{200,}"), "[secret]"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w.-]+"), "[secret]"),
    (re.compile(r"\b(?:bearer|basic) +[^\s,;\"']{6,}", re.I), "[secret]"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]+", re.I), "[url]"),
    (
        re.compile(
            rf"(?<![A-Za-z])[\w-]{{0,40}}?{_NAME_OF_SENSITIVE_VALUE}[\"']?(?: is)? *[=:] *"
            r"(?!\d{1,12}(?![\w.-]))(?:(?:bearer|basic) +)?(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;]+)",
            re.I,
        ),
        "[secret]",
    ),
    (
        re.compile(r"\b(?:password|passphrase) +(?:is +)?[\"']?(?=\S*[\d!@#$%^&*])\S+", re.I),
        "[secret]",
    ),
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:sk-|sk_|pk_|rk_|gsk_|hf_|r8_|ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|"
            r"glpat-|xox[a-z]-|npm_|pypi-|SG\.|ya29\.|AIza|AKIA|ASIA|dop_v1_|shpat_|whsec_|xai-|pplx-|"
            r"lsv2_|dckr_pat_)[^\s\"'<>,;)\]]{4,}"
        ),
        "[secret]",
    ),
    (
        re.compile(
            r"[^\s@<>\"'(),:;=\[\]]{1,64}@[^\s@<>\"'(),:;=\[\]]+\.[^\s@<>\"'(),:;=\[\]]{2,}"
        ),
        "[email]",
    ),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.I), "[id]"),
    (_CODE_LINE, "[code]"),
    (_CODE_TAIL, "[code]"),
    (_CODE_INLINE, "[code]"),
    # Paths: Windows and UNC, absolute and home, relative with an ending, a bare file name.
    (
        re.compile(
            r"(?<![A-Za-z])[A-Za-z]:[\\/][^\s\"'<>|]*|\\\\[^\s\"'<>|]+|[\w.-]*\\[\w][^\s\"'<>|]*"
        ),
        "[path]",
    ),
    (
        re.compile(
            r"(?<![\w/.\]])(?:~\w{0,32}|\.{1,2}|\$\{?\w{1,32}\}?)?/[^\s\"'`,;:()\[\]<>]{2,}(?::\d+)*"
        ),
        "[path]",
    ),
    (
        re.compile(
            rf"(?<![\w/])(?:[\w.@+-]+/)*[\w@+-][\w.@+-]*\.{_FILE_ENDING}(?![\w.-])(?::\d+)*", re.I
        ),
        "[path]",
    ),
    (re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5}|/\d{1,2})?(?![\w.]\d)"), "[ip]"),
    (
        re.compile(
            r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])|"
            r"(?<![\w:])[0-9a-f]{0,4}::(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}(?![\w:])",
            re.I,
        ),
        "[ip]",
    ),
    # A quoted simple name ('gpt-4o', "tokens") says which; anything else quoted is content.
    (re.compile(r"(\"[\w.:-]{1,40}\")|\"[^\"]*(?:\"|\Z)"), _kept_or_code),
    (re.compile(r"(?<!\w)(?:('[\w.:-]{1,40}')|'[^'\n]*')(?!\w)"), _kept_or_code),
    # Long runs that are no words: hexadecimal, base64, random identifiers.
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{16,}(?![A-Za-z0-9])", re.I
        ),
        "[secret]",
    ),
    (
        re.compile(
            r"(?<![A-Za-z0-9+/_=-])(?=[^\s\d]*\d)(?=[^\sa-z]*[a-z])(?=[^\sA-Z]*[A-Z])"
            r"[A-Za-z0-9+/_=-]{24,}"
        ),
        "[secret]",
    ),
    (
        re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}"),
        "[secret]",
    ),
    (re.compile(r"[A-Za-z0-9+/=]{40,}"), "[secret]"),
)
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_REPEATED_MARKER = re.compile(r"(\[(?:code|path|secret|prompt)\])(?:[\s:,;]*\1)+")


@overload
def scrub(text: str) -> str: ...
@overload
def scrub(text: None) -> None: ...
def scrub(text: str | None) -> str | None:
    """Replace what must not be stored in a free text by markers such as `[secret]` and `[path]`.

    Args:
        text: An error message or a router's reasoning of any length; None stays None.

    Returns:
        The text on one line, at most 500 characters long.
    """
    return None if text is None else _scrubbed(text)


# Routers and providers say the same few sentences over and over.
@lru_cache(maxsize=4096)
def _scrubbed(text: str) -> str:
    if len(text) <= KEPT_CHARACTERS and _PLAIN.match(text) and not _SENSITIVE_WORD.search(text):
        return text
    if len(text) > WINDOW_CHARACTERS:
        # The last word may be the first half of a key, which no rule would recognize.
        text = text[:WINDOW_CHARACTERS]
        text = text[: len(text) - len(text.split()[-1]) if text.split() else 0] + "..."
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for pattern, marker in _RULES:
        text = pattern.sub(marker, text)
    text = _REPEATED_MARKER.sub(r"\1", _BLANKS.sub(" ", text).strip())
    if len(text) > KEPT_CHARACTERS:
        text = text[: KEPT_CHARACTERS - 3].rstrip() + "..."
    return text
