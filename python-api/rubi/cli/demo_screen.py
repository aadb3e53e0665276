"""The moving screen of the demo."""

from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rubi.cli.demo_story import Story

STATE_STYLE = {"FILLED": "green", "DENIED": "red", "REJECTED": "red", "EXPIRED": "yellow", "UNKNOWN": "bold red"}


def draw(story: Story, url: str, username: str) -> RenderableType:
    """Return the whole screen."""
    banner = Text(" DEMO · simulated prices and money ", style="black on yellow", justify="center")
    where = Text(f"{url}   user {username}   stop with Ctrl-C", justify="center")
    return Group(banner, where, _account(story), _positions(story), _signals(story), _orders(story))


def plain(story: Story) -> str:
    """Return the state in one line, for a terminal that cannot move."""
    account = story.account
    equity = "connecting" if account is None or account["equity"] is None else f"equity {account['equity']:.2f}"
    last = next(iter(story.orders), None)
    order = (
        "" if last is None else f", order {last['id']} {last['symbol']} {last['side'] or last['kind']} {last['state']}"
    )
    return f"{equity}, {len(story.positions)} open{order}"


def _account(story: Story) -> RenderableType:
    account = story.account
    if account is None or account["equity"] is None:
        return Panel("the terminal is connecting …", title="account")
    line = Text.assemble(
        f"{account['broker']} {account['login']}   balance {_money(account['balance'])}   equity ",
        (_money(account["equity"]), "bold"),
        "   profit ",
        (_money(account["profit"]), _sign(account["profit"])),
        f"   free {_money(account['margin_free'])} {account['currency']}   {account['trading_state']}",
    )
    return Panel(line, title="account")


def _positions(story: Story) -> Table:
    table = _table("open positions", "symbol", "side", "lots", "open", "now", "stop", "target", "profit")
    for row in story.positions:
        numbers = [_number(row[name]) for name in ("volume", "open_price", "current_price", "sl", "tp")]
        table.add_row(row["symbol"], row["side"], *numbers, Text(_money(row["profit"]), style=_sign(row["profit"])))
    return table


def _signals(story: Story) -> Table:
    table = _table("last signals", "id", "at", "symbol", "wish", "became", "why")
    for row in story.signals:
        became = Text(row["detail_status"], style=STATE_STYLE.get(row["detail_status"], ""))
        why = f"{row['code']} {row['message'] or ''}" if row["code"] else ""
        # Text, not markup: what stands in a message is shown, never obeyed.
        table.add_row(
            str(row["id"]), f"{row['received_at']:%H:%M:%S}", row["symbol"], row["signal_type"], became, Text(why)
        )
    return table


def _orders(story: Story) -> Table:
    table = _table("last orders", "id", "at", "symbol", "what", "lots", "state", "price")
    for row in story.orders:
        state = Text(row["state"], style=STATE_STYLE.get(row["state"], ""))
        what = " ".join(part for part in (row["kind"], row["side"]) if part)
        numbers = _number(row["volume"]), state, _number(row["fill_price"])
        table.add_row(str(row["id"]), f"{row['updated_at']:%H:%M:%S}", row["symbol"], what, *numbers)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", expand=True, box=None, header_style="dim")
    for column in columns:
        right = column in {"lots", "profit", "price"}
        # The reason is the long one: it takes the room the others leave, and no more.
        table.add_column(
            column, no_wrap=True, justify="right" if right else "left", ratio=1 if column == "why" else None
        )
    return table


def _money(value: Decimal | float) -> str:
    return f"{value:,.2f}"


def _number(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _sign(value: Decimal | float) -> str:
    return "green" if value >= 0 else "red"
