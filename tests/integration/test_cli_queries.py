"""What the command line reads from the database."""

from datetime import UTC, datetime
from io import StringIO

import asyncpg
import pytest

from rubi.cli import demo_story, overview
from rubi.cli.demo_screen import draw, plain


@pytest.mark.parametrize("module", [demo_story, overview], ids=lambda module: module.__name__)
async def test_every_query_fits_the_schema(conn, module):
    for query in module.SQL.values():
        await conn.prepare(query)


async def user_of(conn: asyncpg.Connection, name: str) -> int:
    return await conn.fetchval(
        "INSERT INTO users (username, email, password_hash) VALUES ($1, $1 || '@example.com', 'x') RETURNING id", name
    )


async def signal_of(conn, user, status, detail, at) -> int:
    return await conn.fetchval(
        "INSERT INTO trading_signals (user_id, source, dedupe_key, body_sha256, symbol, signal_type, signal_time,"
        " received_at, expires_at, status, detail_status, code)"
        " VALUES ($1, 't', gen_random_uuid()::text, '', 'EURUSD', 'BUY', $4, $4, $4, $2, $3, '[bold]X') RETURNING id",
        user,
        status,
        detail,
        at,
    )


async def test_a_summary_counts_one_user_since_a_moment(conn, dsn):
    mine, other = await user_of(conn, "mine"), await user_of(conn, "other")
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    before = datetime(2026, 3, 2, 11, tzinfo=UTC)
    for user, at in ((mine, start), (mine, before), (other, start)):
        await signal_of(conn, user, "REJECTED", "DENIED", at)
    summary = await demo_story.read_summary(dsn, mine, start)
    assert summary == {
        "signals": 1,
        "signals_denied": 1,
        "orders_filled": 0,
        "positions_seen": 0,
        "account_snapshots": 0,
        "deals": 0,
        "first_fill_seconds": None,
    }


async def test_the_screen_is_drawn_from_the_first_moment_on_and_obeys_no_text(conn, dsn):
    from rich.console import Console

    user = await user_of(conn, "mine")
    console = Console(width=120, record=True, file=StringIO())
    story = await demo_story.read_story(dsn, user)
    assert plain(story) == "connecting, 0 open"
    console.print(draw(story, "http://127.0.0.1:8000", "mine"))
    await signal_of(conn, user, "REJECTED", "DENIED", datetime.now(UTC))
    console.print(draw(await demo_story.read_story(dsn, user), "http://127.0.0.1:8000", "mine"))
    text = console.export_text()
    assert "the terminal is connecting" in text
    assert "DENIED" in text
    assert "[bold]X" in text
