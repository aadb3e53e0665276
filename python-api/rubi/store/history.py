"""An account's money over time."""

from uuid import UUID

from rubi.domain.history import EPOCH, View
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def points(conn: Connection, account_id: UUID, view: View) -> list[Row]:
    """The points of a view in order of time: at, equity and its open, high and low, balance, drawdown, samples."""
    bounds = (account_id, view.start, view.end, view.step, EPOCH)
    if view.resolution == "raw":
        return await conn.fetch(SQL["raw_points"], *bounds)
    return await conn.fetch(SQL["points"], *bounds, view.resolution)
