"""What comparing an account with its broker has found."""

from typing import Any
from uuid import UUID

from rubi.domain.errors import NotFoundError
from rubi.flows.ports import Ports
from rubi.flows.show_signal import shown
from rubi.store import account_views
from rubi.store.order_views import Owner


async def read_reconciliation(
    ports: Ports, owner: Owner, account_id: UUID, *, before: int | None, limit: int
) -> dict[str, Any]:
    """When the account last agreed with its broker, and a page of what was found, newest first.

    Raises:
        NotFoundError: no such account of this owner.

    """
    async with ports.pool.acquire() as conn:
        accounts = await account_views.accounts(conn, owner, account_id)
        if not accounts:
            raise NotFoundError("ACCOUNT_NOT_FOUND", f"you have no account {account_id}")
        rows = await account_views.reconciliations(conn, account_id, before=before, limit=limit)
    return {
        "account_id": str(account_id),
        "reconciled_at": shown("reconciled_at", accounts[0]["reconciled_at"]),
        "orders_unknown": accounts[0]["orders_unknown"],
        "passes": [{name: shown(name, value) for name, value in row.items()} for row in rows],
        "next_before": rows[-1]["id"] if len(rows) == limit else None,
    }
