"""The answer and its reasons: every gate with what it saw, so that a refusal explains itself and can be replayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.record import digest, plain
from rubi.domain.units import Lots, Money, Price

_PLACES = 8
_LEAST = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate. `passed` is None when it could not be evaluated because an earlier one failed."""

    gate: str
    passed: bool | None
    code: DenialCode | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    threshold: str = ""
    result: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Approved with a volume to reserve, or denied with the code of the first gate that failed."""

    approved: bool
    code: DenialCode | None
    detail: str
    gates: tuple[GateResult, ...]
    decided_at: datetime
    policy_version: int
    spec_version: str | None = None
    account_taken_at: datetime | None = None
    tick_time: datetime | None = None
    volume: Lots | None = None
    risk: Money | None = None
    """To be reserved, account currency."""
    margin: Money | None = None
    """To be reserved, account currency."""
    loss_per_lot: Money | None = None
    entry: Price | None = None
    stop: Price | None = None
    target: Price | None = None

    def to_record(self) -> dict[str, Any]:
        """Return JSON values in a canonical form."""
        return dict(plain(self))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical record: equal decisions have equal digests."""
        return digest(self)


def passed(gate: str, inputs: Mapping[str, Any] | None = None, threshold: Any = "", result: Any = "") -> GateResult:
    """Return a gate that holds."""
    return GateResult(gate, passed=True, inputs=_shown(inputs), threshold=show(threshold), result=show(result))


def failed(
    gate: str,
    code: DenialCode,
    detail: str = "",
    inputs: Mapping[str, Any] | None = None,
    threshold: Any = "",
    result: Any = "",
) -> GateResult:
    """Return a gate that does not hold."""
    return GateResult(
        gate,
        passed=False,
        code=code,
        inputs=_shown(inputs),
        threshold=show(threshold),
        result=show(result),
        detail=detail,
    )


def not_evaluated(gate: str, why: str) -> GateResult:
    """Return a gate that lacks its inputs because an earlier gate failed."""
    return GateResult(gate, passed=None, result=why)


def show(value: Any) -> str:
    """Write a value for the record: Decimals plainly, with at most eight decimals; times in ISO 8601."""
    if type(value) is str:
        return value
    if isinstance(value, Decimal):
        text = format(value, "f")
        if len(text.partition(".")[2]) > _PLACES:
            text = format(value.quantize(_LEAST, rounding=ROUND_HALF_EVEN).normalize(), "f")
        return text
    text = plain(value)
    return "" if text is None else str(text)


def _shown(inputs: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: show(value) for name, value in (inputs or {}).items()}
