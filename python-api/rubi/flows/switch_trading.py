"""The kill switch: halt, reduce, flatten, resume; for a symbol, an account, or everything a user has.

What counts is the strictest of all levels. HALTED and REDUCING let nothing open; what closes always passes.
FLATTEN halts, closes every position and takes every waiting order back; what is out of reach at that moment (an open on
its way, a position with a part-close under way, a market that sleeps) is closed later, until all is flat or resumed.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from rubi.domain.account import TradingState, strictest
from rubi.domain.errors import ConflictError, NotFoundError
from rubi.domain.order import OrderState
from rubi.flows.audit import audit
from rubi.flows.cancel_order import cancel, cancel_working
from rubi.flows.close_positions import Chosen, Closing, close_account, show_closing
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection
from rubi.live.bus import Event
from rubi.store import order_views, risk_facts, switches
from rubi.store.order_views import Owner


class Switch(StrEnum):
    """What a person does to trading."""

    HALT = "halt"
    REDUCE = "reduce"
    FLATTEN = "flatten"
    RESUME = "resume"


_STATES = {
    Switch.HALT: TradingState.HALTED,
    Switch.FLATTEN: TradingState.HALTED,
    Switch.REDUCE: TradingState.REDUCING,
}


async def switch_trading(
    conn: Connection, caller: Caller, switch: Switch, *, account_id: UUID | None, symbol: str | None, reason: str
) -> Effect:
    """Set or clear the switch of one level, in the caller's transaction. `account_id` None: all accounts of the user.

    Raises:
        NotFoundError: no such account of this owner.

    """
    user_id, now = caller.who.user_id, caller.now
    if account_id is None:
        if caller.who.account_id is not None:
            raise NotFoundError("ACCOUNT_NOT_FOUND", "this token is good for one account; name it in the path")
        ids = await switches.accounts(conn, user_id)
    else:
        if await switches.account(conn, caller.owner, account_id) is None:
            raise NotFoundError("ACCOUNT_NOT_FOUND", f"you have no account {account_id}")
        ids = [account_id]
    for each in ids:  # no decision is under way that has not seen the switch
        await risk_facts.take_turn(conn, each)
    state = _STATES.get(switch, TradingState.ACTIVE)
    held = None if state is TradingState.ACTIVE else str(state)
    if account_id is not None and symbol is None:
        await switches.set_account(conn, account_id, state, reason)
        await switches.set_switch(conn, user_id, account_id, None, None, reason=reason, now=now)
    else:
        await switches.set_switch(conn, user_id, account_id, symbol, held, reason=reason, now=now)
    answer: dict[str, Any] = {
        "account_id": None if account_id is None else str(account_id),
        "symbol": symbol,
        "state": state,
        "reason": reason,
    }
    events = [Event("COMMAND_WAITS", user_id, each) for each in ids]
    bells: list[int] = []
    if switch is Switch.RESUME:
        await switches.forget_flatten(conn, ids, symbol)
    if switch is Switch.FLATTEN:
        closing, cancelled = Closing(), Taken()
        for each in ids:
            await switches.ask_flatten(conn, each, symbol, user_id, reason=reason, now=now)
            await flatten(conn, caller, each, symbol, closing, cancelled)
        answer |= {"closes": await show_closing(conn, caller, closing), "cancels": cancelled.shown()}
        events += [*closing.events, *cancelled.events]
        bells = closing.bells
    answer["accounts"] = [
        {"account_id": str(each), "effective_state": await effective_state(conn, user_id, each, symbol)} for each in ids
    ]
    await audit(
        conn,
        caller.who,
        f"trading.{switch}",
        "user" if account_id is None else "account",
        user_id if account_id is None else account_id,
        {"symbol": symbol, "reason": reason, "state": state},
        request_id=caller.request_id,
        now=now,
    )
    return Effect(200, answer, events, bells)


async def effective_state(conn: Connection, user_id: int, account_id: UUID, symbol: str | None) -> TradingState:
    """The strictest of the switches that hold an account, or one symbol on it."""
    account = await switches.account(conn, Owner(user_id), account_id)
    assert account is not None
    rows = await switches.in_force(conn, user_id, account_id)
    held = [TradingState(row["state"]) for row in rows if row["symbol"] in (None, symbol)]
    return strictest([TradingState(account["trading_state"]), TradingState(account["risk_state"]), *held])


class Taken:
    """What a flatten takes back: instructions to the broker, orders of ours, and what is out of reach for now."""

    def __init__(self) -> None:
        self.instructions: list[int] = []
        self.orders: list[int] = []
        self.in_flight: list[int] = []
        self.events: list[Event] = []

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {"instructions": self.instructions, "orders": self.orders, "in_flight": self.in_flight}


async def flatten(
    conn: Connection, caller: Caller, account_id: UUID, symbol: str | None, closing: Closing, taken: Taken
) -> None:
    """Close what is open and take back what waits, on an account whose turn the caller has; adds to both lists."""
    await close_account(conn, caller, account_id, Chosen(symbol=symbol), closing)
    for row in await order_views.unsent_opens(conn, account_id, symbol):
        if row["state"] not in (OrderState.QUEUED, OrderState.LEASED):
            taken.in_flight.append(row["id"])
            continue
        done = await cancel(conn, caller, row["id"])
        taken.orders.append(row["id"])
        taken.events += done.events
    for working in await order_views.working_of_account(conn, account_id, symbol):
        try:
            ours = working["order_id"]
            done = await (cancel_working(conn, caller, working) if ours is None else cancel(conn, caller, ours))
        except ConflictError:
            # Ours, and in no state to be taken back by its own life: the broker's order is taken out all the same.
            done = await cancel_working(conn, caller, working)
        if done.instruction is not None:
            taken.instructions.append(done.instruction)
        taken.events += done.events
