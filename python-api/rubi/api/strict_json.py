"""Read JSON as its standard has it: no NaN, no name twice, no half characters, no endless nesting."""

import json
import math
from typing import Any, NoReturn

from rubi.domain.errors import MalformedError, RubiError

DEEPEST = 32


def read_json(body: bytes) -> Any:
    """The value that `body` says.

    Raises:
        MalformedError: not UTF-8, not JSON, a name twice in one object, a lone surrogate or NUL in a text, too deep.
        RubiError: NaN, an infinity, or a number too large to be one.

    """
    try:
        # A lone surrogate cannot be encoded; it is looked for only where an escape could have made one.
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_not_finite, parse_float=_float)
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
    _check(value, "\\u" in text)
    return value


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


def _check(value: Any, escaped: bool, depth: int = 1) -> None:
    match value:
        case str():
            if escaped:
                _check_text(value)
        case dict() | list():
            if depth > DEEPEST:
                raise _too_deep()
            if isinstance(value, dict):
                for name, part in value.items():
                    if escaped:
                        _check_text(name)
                    _check(part, escaped, depth + 1)
            else:
                for part in value:
                    _check(part, escaped, depth + 1)


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
