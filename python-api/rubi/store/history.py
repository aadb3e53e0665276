"""An account's money and a position's result over time."""

from datetime import datetime, timedelta
from uuid import UUID

from rubi.domain.history import EPOCH, WIDTHS, View
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def points(conn: Connection, account_id: UUID, view: View) -> list[Row]:
    """The points of a view in order: time, equity and its open, high and low, balance, drawdown, samples."""
    bounds = (account_id, view.start, view.end, view.step, EPOCH)
    if view.resolution == "raw":
        return await conn.fetch(SQL["raw_points"], *bounds)
    if view.step == WIDTHS[view.resolution]:
        return await conn.fetch(SQL["buckets"], account_id, view.start, view.end, view.resolution)
    return await conn.fetch(SQL["points"], *bounds, view.resolution)


async def positions(
    conn: Connection, user_id: int, only: UUID | None, number: int, account_id: UUID | None = None
) -> list[Row]:
    """The position of that id or ticket, open or closed; two rows when two accounts of the owner have it."""
    return await conn.fetch(SQL["position"], user_id, only, number, account_id)


async def position_points(
    conn: Connection, account_id: UUID, position_id: int, start: datetime, end: datetime, step: timedelta
) -> list[Row]:
    """Samples of a position in steps: time, price and profit with high and low, swap, volume, sl, tp, samples."""
    return await conn.fetch(SQL["position_points"], account_id, position_id, start, end, step, EPOCH)
