"""An account's history in so many points, from the resolution that is just fine enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rubi.domain.auth import Principal
from rubi.domain.errors import NotFoundError
from rubi.domain.history import View, choose_view
from rubi.flows.ports import Ports
from rubi.store import history, retention, views
from rubi.store.pool import Row


@dataclass(frozen=True, slots=True)
class History:
    """The points of an account's equity, balance and drawdown."""

    account_id: UUID
    view: View
    points: Sequence[Row]


async def read_history(
    ports: Ports, user: Principal, session_id: UUID, *, start: datetime, end: datetime, points: int
) -> History:
    """The history of a session's account from `start` to `end`.

    Raises:
        NotFoundError: the session is not there, or another's.
        RubiError: 422 `RANGE_INVALID`.

    """
    async with ports.pool.acquire() as conn:
        account_id = await views.session_account(conn, user.user_id, user.account_id, session_id)
        if account_id is None:
            raise NotFoundError("SESSION_NOT_FOUND", f"there is no session {session_id} of yours")
        raw_from = await retention.kept_from(conn, "account_snapshots")
        view = choose_view(start, end, points, raw_from=raw_from)
        return History(account_id, view, await history.points(conn, account_id, view))
