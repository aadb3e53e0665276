"""Read JSON as its standard has it: no NaN, no name twice, no half characters, no endless nesting."""

import json
import math
import re
from typing import Any, NoReturn

from rubi.domain.errors import MalformedError, RubiError

DEEPEST = 32

# 1e309 is not a float any more, nor is a number of 309 digits before its point.
_SHAPES = bytes.maketrans(b"123456789E", b"000000000e")
_LARGE = (b"0e000", b"0e+000", b".e000", b".e+000", b"0" * 300)
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")


def read_json(body: bytes) -> Any:
    """The value that `body` says.

    Raises:
        MalformedError: not UTF-8, not JSON, a name twice in one object, a lone surrogate or NUL in a text, too deep.
        RubiError: NaN, an infinity, or a number too large to be one.

    """
    if _too_deep_for(body):
        raise _too_deep()
    # Hooks for numbers and a walk through the texts cost more than the reading; few bodies can need them.
    shapes = body.translate(_SHAPES)
    may_overflow = any(shape in shapes for shape in _LARGE)
    escaped = b"\\u" in body
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_not_finite,
            parse_float=_float if may_overflow else None,
        )
    except UnicodeDecodeError:
        raise MalformedError("BODY_NOT_UTF8", "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedError(
            "BODY_NOT_JSON", f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        # int() refuses more than 4300 digits
        raise RubiError("NUMBER_INVALID", "the body holds a number with thousands of digits") from error
    if escaped:
        _check_texts(value)
    return value


def _too_deep_for(body: bytes) -> bool:
    """Whether brackets nest deeper than allowed; brackets inside texts do not count."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for token in _STRUCTURE.findall(body):
        if token in _OPENING:
            depth += 1
            if depth > DEEPEST:
                return True
        elif token in _CLOSING:
            depth -= 1
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedError("NAME_TWICE", f"the name {_shown(twice)} stands twice in one object", field=_shown(twice))
    return said


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RubiError("NUMBER_INVALID", f"the number {text[:40]} is too large")
    return value


def _not_finite(name: str) -> NoReturn:
    raise RubiError("NUMBER_INVALID", f"{name} is not a number of JSON")


def _check_texts(value: Any) -> None:
    match value:
        case str():
            _check_text(value)
        case dict():
            for name, part in value.items():
                _check_text(name)
                _check_texts(part)
        case list():
            for part in value:
                _check_texts(part)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedError("TEXT_HAS_NUL", "a text holds the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedError("TEXT_HAS_SURROGATE", "a text holds half a character (a lone surrogate)") from None


def _too_deep() -> MalformedError:
    return MalformedError("BODY_TOO_DEEP", f"the body nests deeper than {DEEPEST} levels")


def _shown(name: str) -> str:
    return name[:40].encode("ascii", "backslashreplace").decode()
