"""A person takes an account from the terminal that holds it, so that another one may connect at once."""

from uuid import UUID

from rubi.domain.errors import NotFoundError
from rubi.flows.audit import audit
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection
from rubi.live.bus import Event
from rubi.store import switches


async def take_over_account(conn: Connection, caller: Caller, account_id: UUID, reason: str) -> Effect:
    """End the session that holds the account; its next call is fenced. Without one, nothing changes.

    Raises:
        NotFoundError: no such account of this owner.

    """
    account = await switches.account(conn, caller.owner, account_id)
    if account is None:
        raise NotFoundError("ACCOUNT_NOT_FOUND", f"you have no account {account_id}")
    ended = await switches.end_session(conn, account_id, caller.now)
    await audit(
        conn,
        caller.who,
        "account.take_over",
        "account",
        account_id,
        {"session_id": None if ended is None else ended["id"], "reason": reason},
        request_id=caller.request_id,
        now=caller.now,
    )
    # A parked cycle of the old session looks again, and learns that it is fenced.
    events = [] if ended is None else [Event("COMMAND_WAITS", caller.who.user_id, account_id)]
    return Effect(
        200,
        {
            "account_id": str(account_id),
            "ended_session": None if ended is None else str(ended["id"]),
            "terminal_instance_id": None if ended is None else ended["terminal_instance_id"],
            "epoch": account["epoch"],
        },
        events,
    )
