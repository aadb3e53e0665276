"""JSON as docs/wire.md wants it: decimals travel as numbers, and come back as decimals."""

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

TICKETS = frozenset({"ticket", "order", "position_id", "magic"})
"""64-bit numbers: strings on the wire."""

NOT_ON_WIRE = frozenset({"filling"})


def encode(value: Any) -> bytes:
    """Return compact JSON."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Any:
    """Read JSON; fractions become `Decimal`. Raises `ValueError` when it is not JSON."""
    return _DECODER.decode(body)


def to_wire(record: Any) -> dict[str, Any]:
    """A broker's record with its fields as they travel."""
    return {
        field.name: str(value) if field.name in TICKETS else value
        for field in dataclasses.fields(record)
        if field.name not in NOT_ON_WIRE
        for value in [getattr(record, field.name)]
    }


def all_to_wire(records: Iterable[Any]) -> list[dict[str, Any]]:
    """A list of broker's records as they travel."""
    return [to_wire(record) for record in records]


def iso(at: datetime) -> str:
    """UTC with milliseconds and a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """Read what `iso` writes."""
    return datetime.fromisoformat(text)
