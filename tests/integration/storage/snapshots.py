"""Snapshots of an account, and what its rollups have to be, computed the slow way."""

from datetime import timedelta
from uuid import uuid4

WIDTHS = {
    "1m": timedelta(minutes=1),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
}


async def insert(pool, account_id, samples):
    """Store (time, equity, balance) in this order, in one transaction."""
    await pool.executemany(
        """INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit,
             received_at) VALUES ($2, $1, $4, $3, 0, $3, 0, 0, $2)""",
        [(account_id, *sample) for sample in samples],
    )


def expected(samples):
    """(resolution, bucket) → its figures, straight from the samples."""
    made = {}
    ordered = sorted(samples)
    for resolution, width in WIDTHS.items():
        seconds = width.total_seconds()
        groups = {}
        for time, equity, balance in ordered:
            groups.setdefault(time - timedelta(seconds=time.timestamp() % seconds), []).append((equity, balance))
        for bucket, parts in groups.items():
            equities, balances = [e for e, _ in parts], [b for _, b in parts]
            made[resolution, bucket] = (
                *(equities[0], max(equities), min(equities), equities[-1]),
                *(balances[0], max(balances), min(balances), balances[-1]),
                drawdown(equities),
                len(parts),
            )
    return made


def drawdown(equities):
    """The worst fall from the highest value before it, as a part of that, 0 to 1."""
    worst, peak = 0.0, equities[0]
    for equity in equities:
        peak = max(peak, equity)
        if peak > 0:
            worst = max(worst, min((peak - equity) / peak, 1.0))
    return worst


async def stored(pool, account_id):
    """The same figures as they are stored."""
    rows = await pool.fetch(
        """SELECT resolution, bucket, equity_open, equity_high, equity_low, equity_close, balance_open, balance_high,
             balance_low, balance_close, max_drawdown, samples FROM account_metrics WHERE account_id = $1""",
        account_id,
    )
    return {(row["resolution"], row["bucket"]): tuple(row)[2:] for row in rows}


new_account = uuid4
