"""Orders that risk has denied."""

from datetime import datetime

from rubi.domain.order import NewOrder
from rubi.store.pool import Connection
from rubi.store.sql import statements

SQL = statements(__file__)


async def insert(conn: Connection, order: NewOrder, *, code: str, detail: str, actor: str, now: datetime) -> int:
    """Keep an order that was denied with `code`; its id. What it would have reserved is not kept."""
    return int(
        await conn.fetchval(
            SQL["insert"],
            order.user_id,
            order.account_id,
            order.kind,
            order.symbol,
            order.side,
            order.order_type,
            order.volume,
            order.price,
            order.stop_limit,
            order.sl,
            order.tp,
            order.deviation_points,
            order.type_time,
            order.expiration,
            order.magic,
            order.position_ticket,
            order.target_ticket,
            order.target_order_id,
            code,
            detail,
            now,
            actor,
        )
    )
