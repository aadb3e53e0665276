"""Which account a request means: the one it names, the one its token is for, or the only one there is."""

from uuid import UUID

from rubi.domain.errors import ForbiddenError, NotFoundError, RubiError
from rubi.flows.ports import Connection, Ports
from rubi.store import account_choices
from rubi.store.account_choices import AccountChoice
from rubi.store.order_views import Owner


async def choose_account(
    conn: Connection, user_id: int, *, named: str | None, bound: UUID | None, turn: str | None = None
) -> AccountChoice | None:
    """The account that is meant; None when the user has none yet. `named` is an id or a login.

    `turn`: what the transaction waits its turn for in the same round trip; what is read later sees what others did.

    Raises:
        RubiError: 422 `ACCOUNT_REQUIRED` when several could be meant, 403 or 404 for a wrong one.

    """
    choices = await account_choices.find(conn, user_id, named=named, only=bound, turn=turn)
    if named is not None and bound is not None:
        if not choices:
            raise ForbiddenError(
                "TOKEN_ACCOUNT_MISMATCH",
                f"this token is for one account and not for {named}; leave `account` out or use another token",
                field="account",
            )
        return choices[0]
    if named is not None and not choices:
        raise NotFoundError("ACCOUNT_NOT_FOUND", f"you have no account {named}", field="account")
    if len(choices) > 1:
        raise RubiError(
            "ACCOUNT_REQUIRED",
            f"{len(choices)} accounts could be meant; name one in `account` by its id",
            field="account",
            accounts=[{"id": str(each.id), "login": each.login, "server": each.server} for each in choices],
        )
    return choices[0] if choices else None


async def need_account(conn: Connection, user_id: int, *, named: str | None, bound: UUID | None) -> AccountChoice:
    """The account that is meant, as `choose_account`; a user who has none is told how to get one.

    Raises:
        RubiError: 422 `NO_ACCOUNT`, and what `choose_account` raises.

    """
    chosen = await choose_account(conn, user_id, named=named, bound=bound)
    if chosen is None:
        raise RubiError("NO_ACCOUNT", "there is no account to trade on: connect a terminal first", field="account")
    return chosen


async def narrow(ports: Ports, owner: Owner, named: str | None) -> Owner:
    """Whose rows are read when an account is named (by its id or login); the owner's own without a name.

    Raises:
        RubiError: 422, 403 or 404 as `need_account`.

    """
    if named is None:
        return owner
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, owner.user_id, named=named, bound=owner.only)
    return Owner(owner.user_id, chosen.id)
