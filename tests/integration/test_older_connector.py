"""What the older connector gets, which fetches signals and reports their end, and what it cannot be given."""

from tests.integration.wire import WireTerminal, state_of

from rubi.domain.order import OrderKind


async def test_an_order_of_no_signal_is_not_lost_in_the_hands_of_an_older_connector(terminal, queue, conn, client):
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    entry = await queue(terminal)
    token = terminal.headers["Authorization"].removeprefix("Bearer ")
    await terminal.post("/mt5/disconnect", {"session_id": terminal.session_id})
    older = WireTerminal(client, token, protocol=1, terminal_instance_id=None)
    await older.connect()
    path = f"/api/v1/trading/signals/pending?session_id={older.session_id}"
    for _ in range(2):
        answer = await client.get(path, headers=older.headers)
        assert answer.json() == {"total": 0, "signals": []}
    assert [await state_of(conn, each) for each in (close, entry)] == ["QUEUED", "QUEUED"]
    alerts = await conn.fetch("SELECT code, severity, object_id FROM alerts ORDER BY id")
    assert [tuple(alert) for alert in alerts] == [
        ("CONNECTOR_TOO_OLD", "critical", str(close)),
        ("CONNECTOR_TOO_OLD", "warning", str(entry)),
    ]
    # A terminal that can carry them out gets them.
    await older.post("/mt5/disconnect", {"session_id": older.session_id})
    await terminal.connect()
    handed = (await terminal.market())["commands"]
    assert close in [command["order_id"] for command in handed]
