"""New deals change what the account's money should be, and with it the beginning of a day that was estimated."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from rubi.domain.position import Deal
from rubi.domain.risk.policy import DayAnchor
from rubi.domain.units import ZERO
from rubi.store import risk_state
from rubi.store.pool import Connection, Row
from rubi.store.risk_state import FLOWS, SQL


async def count_deals(conn: Connection, account_id: UUID, deals: Sequence[Deal]) -> None:
    """Count deals that are stored for the first time, in the caller's transaction; each is counted once.

    A deal from before the account was watched is in its money already. When it is told later and belongs to a day whose
    beginning was estimated, it moves the anchor to where it would have been.
    """
    if not deals:
        return
    row = await conn.fetchrow(SQL["for_deals"], account_id)
    if row is None:
        return
    since: datetime = row["counted_from"]
    counted = [deal for deal in deals if deal.executed_at >= since]
    total = sum((_amount(deal) for deal in counted), ZERO)
    flows = sum((_amount(deal) for deal in counted if _flows(deal)), ZERO)
    if total or flows:
        await conn.execute(risk_state.SQL["count_deals"], account_id, total, flows)
    if row["day"] is None or not row["estimated"] or row["anchor_mode"] == DayAnchor.INITIAL:
        return
    anchor, day_flows = _moves(deals, row)
    if anchor or day_flows:
        await conn.execute(SQL["move_day"], account_id, row["day"], anchor, day_flows)


def _moves(deals: Sequence[Deal], row: Row) -> tuple[Decimal, Decimal]:
    """How deals that come late move the anchor and the flows of an estimated day."""
    anchor = flows = ZERO
    for deal in deals:
        amount, of_today = _amount(deal), deal.executed_at >= row["starts_at"]
        history = deal.executed_at < row["counted_from"]
        if history and of_today:
            anchor -= amount
            flows += amount if _flows(deal) else ZERO
        elif not history and not of_today and not _flows(deal):
            anchor += amount
    return anchor, flows


def _amount(deal: Deal) -> Decimal:
    return deal.profit + deal.swap + deal.commission + deal.fee


def _flows(deal: Deal) -> bool:
    return deal.type in FLOWS
