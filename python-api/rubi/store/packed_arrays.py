"""Arrays as Postgres receives them, made in one step: for a connection that writes many thousand values a second.

asyncpg asks each element of an array whether it is an array itself and encodes it alone, which costs several times as
much as its bytes do. The layout is that of `array_recv` in PostgreSQL's arrayfuncs.c: dimensions, whether there are
nulls, type of the elements, their number, the first one's number, then of each its length and its bytes.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from struct import Struct
from typing import Any
from uuid import UUID

from rubi.store.pool import Connection

Values = Sequence[Any]
_HEAD = Struct("!iiIii")
_EMPTY = Struct("!iiI")
_LENGTH = Struct("!i")
_NULL = _LENGTH.pack(-1)
_MOST_AT_ONCE = 64
_BEGINS = datetime(2000, 1, 1, tzinfo=UTC)
"""Where Postgres counts microseconds from."""
_MICROSECOND = timedelta(microseconds=1)


def pack_arrays(conn: Connection) -> None:
    """Encode the arrays that this connection sends in one step; it can read none of these types any more.

    asyncpg's own `set_type_codec` takes no arrays; what it calls does.
    """
    protocol: Any = conn._protocol  # type: ignore[attr-defined] # noqa: SLF001 - see above
    settings = protocol.get_settings()
    for oid, (name, encode) in _ARRAYS.items():
        settings.add_python_codec(oid, name, "pg_catalog", [], "scalar", encode, _unread, "binary")


def _unread(_: bytes) -> Any:
    raise NotImplementedError("a connection that packs arrays reads none")


def _array(kind: int, values: Values, data: bytes) -> bytes:
    if not values:
        return _EMPTY.pack(0, 0, kind)
    return _HEAD.pack(1, None in values, kind, len(values), 1) + data


def _fixed(kind: int, code: str, size: int, plain: Callable[[Any], Any] | None, values: Values) -> bytes:
    """Values of one size; `plain` makes a value what struct can pack."""
    if None in values:
        one = Struct("!i" + code)
        data = b"".join(
            _NULL if value is None else one.pack(size, value if plain is None else plain(value)) for value in values
        )
        return _array(kind, values, data)
    told = values if plain is None else list(map(plain, values))
    parts = []
    for first in range(0, len(told), _MOST_AT_ONCE):
        some = told[first : first + _MOST_AT_ONCE]
        interleaved = [size] * (2 * len(some))
        interleaved[1::2] = some
        parts.append(_together(code, len(some)).pack(*interleaved))
    return _array(kind, values, b"".join(parts))


@lru_cache(maxsize=512)
def _together(code: str, count: int) -> Struct:
    return Struct("!" + f"i{code}" * count)


def _varying(kind: int, plain: Callable[[Any], bytes], values: Values) -> bytes:
    parts = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            data = plain(value)
            parts += (_LENGTH.pack(len(data)), data)
    return _array(kind, values, b"".join(parts))


def _moment(at: datetime) -> int:
    return (at - _BEGINS) // _MICROSECOND


def _uuid(value: UUID) -> bytes:
    return value.bytes


# By the numbers that these types have in every database (pg_type.dat): of the array, of its elements.
_ARRAYS: dict[int, tuple[str, Callable[[Values], bytes]]] = {
    1000: ("_bool", partial(_fixed, 16, "?", 1, None)),
    1001: ("_bytea", partial(_varying, 17, bytes)),
    1007: ("_int4", partial(_fixed, 23, "i", 4, None)),
    1009: ("_text", partial(_varying, 25, str.encode)),
    1016: ("_int8", partial(_fixed, 20, "q", 8, None)),
    1022: ("_float8", partial(_fixed, 701, "d", 8, None)),
    1185: ("_timestamptz", partial(_fixed, 1184, "q", 8, _moment)),
    2951: ("_uuid", partial(_fixed, 2950, "16s", 16, _uuid)),
}
