"""What a terminal says of the time: learn the broker's offset from it, keep its history, doubt what contradicts."""

from datetime import datetime
from uuid import UUID

from rubi.domain.learn_clock import Candidate, TimesSaid, doubt, hear
from rubi.flows.raise_alert import raise_alert
from rubi.live.bus import Event
from rubi.store import books
from rubi.store.clocks import SQL
from rubi.store.pool import Connection


async def learn_clock(
    conn: Connection, *, user_id: int, account_id: UUID, said: TimesSaid, now: datetime
) -> list[Event]:
    """Take in what a cycle says of the time, in the caller's transaction; alerts on a new offset and on a doubt."""
    row = await conn.fetchrow(SQL["state"], account_id)
    assert row is not None, "one row whatever is known"
    before = None
    if row["candidate"] is not None:
        before = Candidate(row["candidate"], row["agreeing"], row["tick_msc"])
    in_force, suspect = row["minutes"], bool(row["suspect"])
    after, events = hear(before, said, in_force, now), []
    if after is not None and after.learned:
        await conn.execute(SQL["insert_offset"], account_id, now, after.minutes)
        await conn.execute(books.SQL["change_facts"], account_id)
        await conn.execute(SQL["drop_candidate"], account_id)
        if in_force is not None:
            events += await raise_alert(
                conn,
                user_id=user_id,
                account_id=account_id,
                code="CLOCK_OFFSET_CHANGED",
                severity="info",
                object_="account",
                object_id=f"{account_id}@{now.isoformat()}",
                detail=f"the broker's clock was UTC {in_force:+d} min and is UTC {after.minutes:+d} min from now on",
                now=now,
            )
        in_force, suspect = after.minutes, False
    elif after != before:
        if after is None:
            await conn.execute(SQL["drop_candidate"], account_id)
        else:
            await conn.execute(SQL["keep_candidate"], account_id, after.minutes, after.agreeing, after.tick_msc)
        await conn.execute(books.SQL["change_facts"], account_id)
    reason = doubt(said, in_force, now)
    if in_force is None or (reason is not None) == suspect:
        return events
    await conn.execute(SQL["set_suspect"], account_id, reason is not None)
    await conn.execute(books.SQL["change_facts"], account_id)
    if reason is None:
        return events
    return events + await raise_alert(
        conn,
        user_id=user_id,
        account_id=account_id,
        code="CLOCK_SUSPECT",
        severity="warning",
        object_="account",
        object_id=f"{account_id}@{now.isoformat()}",
        detail=f"{reason}; nothing opens until they agree",
        now=now,
    )


async def learn_first_offset(conn: Connection, account_id: UUID, minutes: int, now: datetime) -> None:
    """Believe a terminal's first word on its broker's offset; later ones need ticks that agree."""
    row = await conn.fetchrow(SQL["state"], account_id)
    assert row is not None, "one row whatever is known"
    if row["minutes"] is None:
        await conn.execute(SQL["insert_offset"], account_id, now, minutes)
