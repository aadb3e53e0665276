"""What a restored database is told about the time that it does not know."""

from datetime import datetime

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def users(conn: Connection) -> list[int]:
    """Everybody, by number."""
    return [row["id"] for row in await conn.fetch(SQL["users"])]


async def accounts(conn: Connection) -> list[Row]:
    """Every account and its owner: (account_id, user_id)."""
    return await conn.fetch(SQL["accounts"])


async def raise_epochs(conn: Connection, by: int, now: datetime) -> int:
    """Fence every session, raise every account's epoch, have its books read anew; how many accounts."""
    return int((await conn.execute(SQL["raise_epochs"], by, now)).split()[-1])


async def revoke_tokens(conn: Connection, now: datetime) -> int:
    """Revoke every token that counts, logins and programs' alike; how many."""
    return int((await conn.execute(SQL["revoke_tokens"], now)).split()[-1])


async def orders_in_flight(conn: Connection) -> list[int]:
    """Orders that a terminal may have had, or may have got since."""
    return [row["id"] for row in await conn.fetch(SQL["orders_in_flight"])]


async def undecided_signals(conn: Connection) -> list[Row]:
    """Signals that wait for a decision, locked."""
    return await conn.fetch(SQL["undecided_signals"])


async def end_plans(conn: Connection, now: datetime) -> list[Row]:
    """End every plan of a position; (id, user_id, account_id, position_id)."""
    return await conn.fetch(SQL["end_plans"], now)


async def roll_up_again(conn: Connection) -> None:
    """Have the rollups go on by this server's count of transactions."""
    await conn.execute(SQL["roll_up_again"])
