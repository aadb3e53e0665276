"""What a process remembers of terminals, so that a quiet cycle needs no reading. Nothing of it is believed unchecked.

The batch that commits a cycle compares the version under its locks: what another process changed is read anew.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from rubi.domain.errors import NotFoundError
from rubi.flows.judge_quietly import LimitsSeen
from rubi.flows.read_limits import limits_by
from rubi.store import risk_state, telemetry, terminals
from rubi.store.pool import Pool, Row
from rubi.store.terminals import Terminal

MOST = 20_000


@dataclass(slots=True, eq=False)
class KnownTerminal:
    """A session and its account, as they were at one version of the account's facts."""

    terminal: Terminal
    facts_version: int
    offset_minutes: int | None
    clock_moves: bool
    """An offset is about to be learned, or what the terminal says of the time is doubted."""
    symbols_at: datetime | None
    positions: dict[int, Row]
    working: dict[int, Row]
    limits: LimitsSeen | None = None
    told_limits: dict[str, Any] = field(default_factory=dict)
    """The hard limits of its policy, as its cycles are told them."""
    alike: dict[str, Any] = field(default_factory=dict)
    """What the reader of bodies has found to say the same as the books."""


class KnownTerminals:
    """The terminals of one process, by session and owner; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], KnownTerminal] = {}

    def get(self, session_id: str, user_id: int) -> KnownTerminal | None:
        """What is remembered of a user's session."""
        return self._known.get((session_id, user_id))

    def forget(self, known: KnownTerminal) -> None:
        """What was remembered is out of date."""
        key = (str(known.terminal.session_id), known.terminal.user_id)
        if self._known.get(key) is known:
            del self._known[key]

    async def load(self, pool: Pool, session_id: str, user_id: int) -> KnownTerminal | None:
        """Read a session; None when there is none of this user."""
        try:
            number = UUID(session_id)
        except ValueError:
            return None
        async with pool.acquire() as conn:
            # The version first: what changes while the rest is read makes it a version of the past.
            facts = await conn.fetchrow(telemetry.SQL["facts_of_session"], number, user_id)
            if facts is None:
                return None
            try:
                terminal = await terminals.find(conn, number, user_id)
            except NotFoundError:
                return None
            positions = await conn.fetch(telemetry.SQL["positions"], terminal.account_id)
            working = await conn.fetch(telemetry.SQL["working"], terminal.account_id)
            account = await risk_state.look_at(conn, terminal.account_id)
        known = KnownTerminal(
            terminal=terminal,
            facts_version=facts["facts_version"],
            offset_minutes=facts["offset_minutes"],
            clock_moves=facts["clock_moves"] or facts["clock_suspect"],
            symbols_at=facts["symbols_at"],
            positions={row["position_id"]: row for row in positions},
            working={row["ticket"]: row for row in working},
            limits=None if account is None else LimitsSeen(account),
            told_limits={} if account is None else limits_by(account.policy),
        )
        if session_id == str(number):  # other spellings of the same number are read each time
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[session_id, user_id] = known
        return known
