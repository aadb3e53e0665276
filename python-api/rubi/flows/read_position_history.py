"""A position's price and result over its life, in so many points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rubi.domain.auth import Principal
from rubi.domain.errors import NotFoundError, RubiError
from rubi.domain.history import SECOND, step_of
from rubi.flows.choose_account import need_account
from rubi.flows.ports import Ports
from rubi.store import history
from rubi.store.pool import Row


@dataclass(frozen=True, slots=True)
class PositionHistory:
    """The points of a position between two moments; `position` is a row of `history.positions`."""

    position: Row
    start: datetime
    end: datetime
    step: timedelta
    points: Sequence[Row]


async def read_position_history(
    ports: Ports,
    user: Principal,
    number: int,
    *,
    account: str | None,
    start: datetime | None,
    end: datetime | None,
    points: int,
    now: datetime,
) -> PositionHistory:
    """The history of a position, open or closed; from its opening, to its end or `now`, where nothing else is said.

    Raises:
        NotFoundError: no such position of this owner, or a wrong account.
        RubiError: 422 `ACCOUNT_REQUIRED` when two accounts have it, `RANGE_INVALID`.

    """
    async with ports.pool.acquire() as conn:
        chosen = None
        if account is not None:
            chosen = (await need_account(conn, user.user_id, named=account, bound=user.account_id)).id
        found = await history.positions(conn, user.user_id, user.account_id, number, chosen)
        if not found:
            raise NotFoundError("POSITION_NOT_FOUND", f"you have no position {number}")
        if len(found) > 1:
            raise RubiError(
                "ACCOUNT_REQUIRED",
                f"two of your accounts have a position {number}; name one in `account`",
                field="account",
            )
        position = found[0]
        closed_at = position["closed_at"]
        until = end or (now if closed_at is None else closed_at + SECOND)
        since = start or min(position["opened_at"], until - SECOND)
        if since >= until:
            raise RubiError(
                "RANGE_INVALID", f"from {since.isoformat()} is not before to {until.isoformat()}", field="from"
            )
        step = step_of(until - since, points)
        rows = await history.position_points(conn, position["account_id"], position["position_id"], since, until, step)
    return PositionHistory(position, since, until, step, rows)
