"""What a process remembers of terminals, so that a quiet cycle needs no reading. Nothing of it is believed unchecked.

The batch that commits a cycle compares the version under its locks: what another process changed is read anew.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from rubi.flows.judge_quietly import LimitsSeen
from rubi.flows.read_limits import limits_by
from rubi.store import risk_state, telemetry, terminals
from rubi.store.pool import Connection, Pool, Row
from rubi.store.terminals import Terminal

MOST = 20_000
MOST_AT_ONCE = 64
"""Sessions that are read together."""


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
        self._asked: dict[UUID, asyncio.Future[KnownTerminal | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    def get(self, session_id: str, user_id: int) -> KnownTerminal | None:
        """What is remembered of a user's session."""
        return self._known.get((session_id, user_id))

    def forget(self, known: KnownTerminal) -> None:
        """What was remembered is out of date."""
        key = (str(known.terminal.session_id), known.terminal.user_id)
        if self._known.get(key) is known:
            del self._known[key]

    async def load(self, pool: Pool, session_id: str, user_id: int) -> KnownTerminal | None:
        """Read a session; None when there is none of this user. Those that are asked for meanwhile are read together.

        Raises:
            asyncpg.PostgresError, OSError, TimeoutError: the database does not answer.

        """
        try:
            number = UUID(session_id)
        except ValueError:
            return None
        asked = self._asked.get(number)
        if asked is None:
            asked = self._asked[number] = asyncio.get_running_loop().create_future()
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read(pool), name="read terminals")
        known = await asyncio.shield(asked)
        if known is None or known.terminal.user_id != user_id:
            return None
        if session_id == str(number):  # other spellings of the same number are read each time
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[session_id, user_id] = known
        return known

    async def _read(self, pool: Pool) -> None:
        """Read what is asked for until nothing is."""
        while self._asked:
            await asyncio.sleep(0)  # calls that are being read just now come along
            batch = dict(islice(self._asked.items(), MOST_AT_ONCE))
            for number in batch:
                del self._asked[number]
            try:
                async with pool.acquire() as conn:
                    found = await _read_all(conn, list(batch))
            except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                for asked in batch.values():
                    asked.set_exception(error)
                    asked.exception()  # who asked may have gone
            else:
                for number, asked in batch.items():
                    asked.set_result(found.get(number))


async def _read_all(conn: Connection, sessions: Sequence[UUID]) -> dict[UUID, KnownTerminal]:
    # The version first: what changes while the rest is read makes it a version of the past.
    facts = {row["session_id"]: row for row in await conn.fetch(telemetry.SQL["facts"], sessions)}
    found = await terminals.find_all(conn, list(facts))
    accounts = list({terminal.account_id for terminal in found.values()})
    positions: dict[UUID, dict[int, Row]] = {account_id: {} for account_id in accounts}
    for row in await conn.fetch(telemetry.SQL["positions"], accounts):
        positions[row["account_id"]][row["position_id"]] = row
    working: dict[UUID, dict[int, Row]] = {account_id: {} for account_id in accounts}
    for row in await conn.fetch(telemetry.SQL["working"], accounts):
        working[row["account_id"]][row["ticket"]] = row
    limits = await risk_state.look_at(conn, accounts)
    known = {}
    for session_id, terminal in found.items():
        fact, account = facts[session_id], limits.get(terminal.account_id)
        known[session_id] = KnownTerminal(
            terminal=terminal,
            facts_version=fact["facts_version"],
            offset_minutes=fact["offset_minutes"],
            clock_moves=fact["clock_moves"] or fact["clock_suspect"],
            symbols_at=fact["symbols_at"],
            positions=positions[terminal.account_id],
            working=working[terminal.account_id],
            limits=None if account is None else LimitsSeen(account),
            told_limits={} if account is None else limits_by(account.policy),
        )
    return known
