"""Take secrets out of what is logged or reported, whatever name or text they hide in."""

import re
from collections.abc import Mapping
from typing import Any

GONE = "[removed]"
_DEEPEST = 8

_NAMES = re.compile(
    r"passw|secret|token|authorization|cookie|api[_-]?key|credential|dsn|private|signature|database_url|redis_url",
    re.IGNORECASE,
)
_HARMLESS = frozenset({"token_id", "token_kind", "tokens", "token_name"})
_TEXTS = (
    # user:password@ of an address
    (re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]+(?=@)", re.IGNORECASE), r"\g<keep>" + GONE),
    (re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\g<keep>" + GONE),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), GONE),
    (re.compile(r"\$argon2[a-z]*\$[^\s\"']+"), GONE),
    # "password": "…" and password=… inside a text
    (
        re.compile(r"(?P<keep>(?:passw(?:or)?d|secret|token)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+", re.IGNORECASE),
        r"\g<keep>" + GONE,
    ),
    # a webhook's secret is part of its path
    (re.compile(r"(?P<keep>/hooks/[^/\s]+/)[^/\s?\"']+"), r"\g<keep>" + GONE),
)


def scrub(value: Any, depth: int = 0) -> Any:
    """`value` without secrets: those under a telling name, and those that look like one inside a text."""
    if depth > _DEEPEST:
        return GONE
    match value:
        case str():
            return scrub_text(value)
        case bytes():
            return scrub_text(value.decode("utf-8", "replace"))
        case Mapping():
            return {
                key: GONE if _is_secret_name(key) and part is not None else scrub(part, depth + 1)
                for key, part in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [scrub(part, depth + 1) for part in value]
        case None | bool() | int() | float():
            return value
        case _:
            return scrub_text(str(value))


def scrub_text(text: str) -> str:
    """`text` without passwords of addresses, bearer tokens, JWTs, password hashes and `password=` pairs."""
    for pattern, kept in _TEXTS:
        text = pattern.sub(kept, text)
    return text


def _is_secret_name(name: object) -> bool:
    return isinstance(name, str) and name not in _HARMLESS and _NAMES.search(name) is not None
