"""Dataclasses to plain JSON values and back, exactly: the same stored inputs must give the same decision.

Decimals are written as strings with their exponent, times as ISO 8601 in UTC, enums by value. Unknown and missing keys
are refused with the name of the field, because a misspelled limit is a limit that does not hold.
"""

import hashlib
import operator
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")


class RecordError(ValueError):
    """A plain value does not describe the wanted type; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field or "record"
        self.message = message
        super().__init__(f"{self.field}: {message}")


def plain(value: Any) -> Any:
    """Turn a dataclass, or anything inside one, into JSON values."""
    kind = type(value)
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = _WRITERS[kind] = _writer(kind)
    return writer(value)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return canonical_of_plain(plain(value))


def canonical_of_plain(values: Any) -> str:
    """Write values that are plain already, as `json.dumps` would: stored digests are made of this text."""
    return msgspec.json.encode(values, order="sorted").decode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, hexadecimal."""
    return digest_of_plain(plain(value))


def digest_of_plain(values: Any) -> str:
    """SHA-256 of values that are plain already; the same as that of what they were made from."""
    return hashlib.sha256(canonical_of_plain(values).encode()).hexdigest()


Writer = Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


_SIMPLE = frozenset({type(None), str, bool, int})
_WRITERS: dict[Any, Writer] = dict.fromkeys(_SIMPLE, _as_it_is) | {
    Decimal: str,
    datetime: lambda value: value.astimezone(UTC).isoformat(),
    date: date.isoformat,
    dict: lambda value: {str(key): item if type(item) in _SIMPLE else plain(item) for key, item in value.items()},
    tuple: lambda value: [plain(item) for item in value],
    list: lambda value: [plain(item) for item in value],
}
"""By exact type, because a record is written in the transaction that holds the account's lock."""


def _writer(kind: Any) -> Writer:
    if issubclass(kind, Enum):
        return operator.attrgetter("value")
    if is_dataclass(kind):
        names = tuple(_plan(kind))
        # Most fields are text or nothing: to look for their writer would cost more than they do.
        return lambda value: {
            name: item if type(item := getattr(value, name)) in _SIMPLE else plain(item) for name in names
        }
    for known in (Decimal, datetime, dict, tuple, list, str):
        if issubclass(kind, known):
            return _WRITERS[known]
    raise TypeError(f"{kind.__name__} has no plain form")


def build(kind: type[T], data: Any, at: str = "") -> T:
    """Build a dataclass from its plain form; raise `RecordError` at the first field that does not fit."""
    if not isinstance(data, dict):
        raise RecordError(at, f"must be an object, not {type(data).__name__}")
    plan = _plan(kind)
    unknown = sorted(set(data) - plan.keys())
    if unknown:
        raise RecordError(_join(at, unknown[0]), f"unknown; known are {', '.join(sorted(plan))}")
    values: dict[str, Any] = {}
    for name, (field, hint) in plan.items():
        if name in data:
            values[name] = _convert(hint, data[name], _join(at, name))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise RecordError(_join(at, name), "missing")
    try:
        return kind(**values)
    except RecordError:
        raise
    except ValueError as error:
        raise RecordError(at, str(error)) from error


def _convert(hint: Any, value: Any, at: str) -> Any:
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    if get_origin(hint) in {Union, UnionType}:
        options = [option for option in get_args(hint) if option is not NoneType]
        if value is None:
            return None
        return _convert(options[0], value, at)
    if get_origin(hint) is tuple:
        return _tuple(hint, value, at)
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise RecordError(at, f"must be an object, not {value!r}")
        return {key: _convert(get_args(hint)[1], item, _join(at, key)) for key, item in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, at)
    return _scalar(hint, value, at)


def _tuple(hint: Any, value: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        raise RecordError(at, f"must be a list, not {value!r}")
    kinds = get_args(hint)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise RecordError(at, f"must have {len(kinds)} items, not {len(value)}")
    return tuple(_convert(kind, item, f"{at}[{n}]") for n, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _scalar(hint: Any, value: Any, at: str) -> Any:
    if hint is Any:
        return value
    if hint is Decimal:
        return _decimal(value, at)
    if hint is bool or hint is str:
        if type(value) is not hint:
            raise RecordError(at, f"must be {'true or false' if hint is bool else 'text'}, not {value!r}")
        return value
    if hint is int:
        if type(value) is not int:
            raise RecordError(at, f"must be a whole number, not {value!r}")
        return value
    if issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise RecordError(at, f"{value!r} is none of {', '.join(str(m.value) for m in hint)}") from None
    try:
        if hint is datetime:
            return _moment(value)
        return hint.fromisoformat(value)
    except (TypeError, ValueError):
        raise RecordError(at, f"must be an ISO 8601 {hint.__name__}, not {value!r}") from None


def _decimal(value: Any, at: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise RecordError(at, f"must be a number, not {value!r}")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise RecordError(at, f"must be a number, not {value!r}") from None
    if not number.is_finite():
        raise RecordError(at, f"must be a finite number, not {value!r}")
    return number


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment.astimezone(UTC)


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


Plan = dict[str, tuple[Field[Any], Any]]
_PLANS: dict[Any, Plan] = {}


def _plan(kind: Any) -> Plan:
    """Field and resolved type by name; resolving annotations is slow, so once per class."""
    plan = _PLANS.get(kind)
    if plan is None:
        hints = get_type_hints(kind)
        plan = _PLANS[kind] = {field.name: (field, hints[field.name]) for field in fields(kind) if field.init}
    return plan
