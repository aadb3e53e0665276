"""The terminal's own limits: they hold even when the service is wrong."""

from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

MINUTE_S = 60.0


@dataclass(frozen=True)
class Limits:
    """Hard limits on what opens or changes something; closing is never limited."""

    max_volume: Decimal = Decimal(100)
    max_open_positions: int = 20
    max_orders_per_minute: int = 120
    max_risk_percent: Decimal = Decimal(100)
    """What one position may lose at its stop, percent of the equity."""
    demo_only: bool = False

    def tightened(self, wire: dict[str, Any]) -> "Limits":
        """These limits, or the service's where they are stricter."""
        given = {name: value for name, value in wire.items() if value is not None}
        return replace(
            self,
            max_volume=min(self.max_volume, Decimal(given.get("max_volume", self.max_volume))),
            max_open_positions=min(
                self.max_open_positions, int(given.get("max_open_positions", self.max_open_positions))
            ),
            max_orders_per_minute=min(
                self.max_orders_per_minute, int(given.get("max_orders_per_minute", self.max_orders_per_minute))
            ),
            max_risk_percent=min(
                self.max_risk_percent, Decimal(str(given.get("max_risk_percent", self.max_risk_percent)))
            ),
            demo_only=self.demo_only or bool(given.get("demo_only")),
        )


class Pace:
    """How many orders were sent in the last minute (monotonic seconds)."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    def note(self, at: float) -> None:
        """An order is being sent."""
        self._sent.append(at)

    def last_minute(self, at: float) -> int:
        """Orders sent in the minute before `at`."""
        while self._sent and self._sent[0] <= at - MINUTE_S:
            self._sent.popleft()
        return len(self._sent)
