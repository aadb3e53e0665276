"""Each new picture of an account's money meets its loss limits: warn, reduce, halt; what was reached is kept.

A daily halt ends at the next reset or by a person's unlock, a drawdown's by the unlock alone; a restart ends neither.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.risk import memory as limits
from rubi.domain.risk.day import TradingDay, trading_day
from rubi.domain.risk.loss import LossLevel
from rubi.domain.risk.memory import DOUBT_AFTER, LimitMemory, Watched
from rubi.domain.units import Money
from rubi.flows.lock_protections import lock_protections
from rubi.flows.raise_alert import Severity, raise_alert
from rubi.flows.report_unusable_policy import report_unusable_policy
from rubi.live.bus import Event
from rubi.store import risk_state
from rubi.store.pool import Connection
from rubi.store.risk_state import RiskAccount

SAVE_EVERY = timedelta(seconds=5)
"""What only follows the equity is kept this often; peaks, levels and flows at once."""

_SEVERITY: dict[LossLevel, Severity] = {
    LossLevel.WARN: "warning",
    LossLevel.REDUCING: "warning",
    LossLevel.HALTED: "critical",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a picture of the money means for the limits; nothing is stored yet."""

    before: LimitMemory
    watched: Watched
    save: bool
    """Something to remember has changed, or was not kept for a while."""
    save_day: bool

    @property
    def after(self) -> LimitMemory:
        """What is remembered from now on."""
        return self.watched.memory

    @property
    def quiet(self) -> bool:
        """Nothing holds the account back, nothing is told, and nothing but equity and peaks has moved."""
        levels = (self.before.day_level, self.before.drawdown_level)
        return (
            not self.save_day
            and levels == (self.after.day_level, self.after.drawdown_level)
            and self.after.trading_state is TradingState.ACTIVE
            and self.watched.gap == 0
            and self.after.ledger.unexplained_since is None
            and not self.after.nav.wiped
        )


@dataclass(frozen=True, slots=True)
class Watch:
    """What a picture of the money led to; `flatten`: the policy wants everything closed, after the commit."""

    trading_state: TradingState = TradingState.ACTIVE
    flatten: bool = False
    events: list[Event] = field(default_factory=list)


async def watch_limits(conn: Connection, account_id: UUID, *, closed: bool = False, now: datetime) -> Watch:
    """Hold the stored money of an account against its loss limits, in the transaction that stored it.

    `closed`: new deals came too, and the protections look at them.
    """
    account = await risk_state.read(conn, account_id)
    if account is None or (account.memory is None and account.snapshot.equity <= 0):
        return Watch()
    today = trading_day(now, account.policy, account.clock)
    before = await remembered(conn, account_id, account, today)
    judged = judge(account, before, today, now)
    watched, after = judged.watched, judged.after
    reason = why_held(watched, account.snapshot.currency)
    halted = after.trading_state is TradingState.HALTED
    newly = halted and account.trading_state is not TradingState.HALTED
    flatten = newly and account.policy.flatten_on_breach
    flatten_since = now if flatten else account.flatten_since if halted else None
    if judged.save:
        await risk_state.save(conn, account_id, after, reason=reason, flatten_since=flatten_since, now=now)
    if judged.save_day:
        await risk_state.save_day(conn, account_id, after, account.policy.day_anchor)
    events = await _tell(conn, account_id, account, before, watched, now)
    if account.policy_fault is not None:
        events += await report_unusable_policy(
            conn,
            user_id=account.user_id,
            account_id=account_id,
            version=account.policy.version,
            fault=account.policy_fault,
            now=now,
        )
    if closed:
        events += await lock_protections(
            conn, user_id=account.user_id, account_id=account_id, policy=account.policy, now=now
        )
    return Watch(after.trading_state, flatten, events)


def judge(account: RiskAccount, before: LimitMemory, today: TradingDay, now: datetime) -> Judged:
    """Hold the account's snapshot against its limits. `before`: what is remembered of the account today."""
    watched = limits.watch(before, account.snapshot, account.policy, today, deals_come=account.deals_come, now=now)
    new = account.memory is None
    return Judged(
        before,
        watched,
        save=new or moved(account.memory, watched.memory) or _due(account, now),  # type: ignore[arg-type]
        save_day=new or _day_moved(account.memory, watched.memory),  # type: ignore[arg-type]
    )


async def remembered(conn: Connection, account_id: UUID, account: RiskAccount, today: TradingDay) -> LimitMemory:
    """What is remembered of an account on this day: begun at its first picture, and turned at the reset."""
    if account.memory is None:
        past = await risk_state.past_deals(conn, account_id, today.starts)
        return limits.begin(account.snapshot, account.policy, today, past)
    past = limits.PastDeals()
    if today.day > account.memory.day.day:
        past = await risk_state.past_deals(conn, account_id, today.starts)
    return limits.turn_day(account.memory, account.snapshot, account.policy, today, past, deals_come=account.deals_come)


def moved(before: LimitMemory, after: LimitMemory) -> bool:
    """Whether anything changed but the last value itself."""
    still = replace(after.nav, nav=before.nav.nav, balance_nav=before.nav.balance_nav)
    levels = (before.day_level, before.drawdown_level) != (after.day_level, after.drawdown_level)
    return levels or before.nav != still or before.ledger != after.ledger


def _due(account: RiskAccount, now: datetime) -> bool:
    return account.saved_at is None or now - account.saved_at >= SAVE_EVERY


def _day_moved(before: LimitMemory, after: LimitMemory) -> bool:
    return (before.day, before.day_level) != (after.day, after.day_level)


def why_held(watched: Watched, currency: str) -> str | None:
    """Why the account is held back, in words."""
    memory = watched.memory
    reasons = []
    if memory.day_level.trading_state is not TradingState.ACTIVE and watched.loss is not None:
        loss = watched.loss
        reasons.append(
            f"The day's loss is {_money(loss.loss)} of {_money(loss.limit)} {currency} allowed"
            f" (floor {_money(loss.floor)})."
        )
    if memory.drawdown_level.trading_state is not TradingState.ACTIVE and watched.drawdown is not None:
        down = watched.drawdown
        reasons.append(f"The drawdown is {down.percent:.2f} % (floor {_money(down.floor)} {currency}).")
    return " ".join(reasons) or None


def _money(amount: Money | Decimal) -> str:
    return f"{amount:.2f}"


async def _tell(
    conn: Connection, account_id: UUID, account: RiskAccount, before: LimitMemory, watched: Watched, now: datetime
) -> list[Event]:
    after, events = watched.memory, []
    for limit, was, became in (
        ("DAILY_LOSS", before.day_level, after.day_level),
        ("DRAWDOWN", before.drawdown_level, after.drawdown_level),
    ):
        order = list(LossLevel)
        if order.index(became) > order.index(was):
            events += await raise_alert(
                conn,
                user_id=account.user_id,
                account_id=account_id,
                code=f"{limit}_{became}",
                severity=_SEVERITY[became],
                object_="account",
                # A loss around the warning is told once a day; whatever is reached beyond it, each time.
                object_id=f"{account_id}@{after.day.day if became is LossLevel.WARN else now.isoformat()}",
                detail=_detail(limit, watched, account.snapshot),
                now=now,
            )
    since = after.ledger.unexplained_since
    if since is not None and now - since >= DOUBT_AFTER:
        events += await raise_alert(
            conn,
            user_id=account.user_id,
            account_id=account_id,
            code="BALANCE_UNEXPLAINED",
            severity="warning",
            object_="account",
            object_id=f"{account_id}@{since.isoformat()}",
            detail=(
                f"{_money(watched.gap)} {account.snapshot.currency} of the balance are explained by no deal;"
                " missing money counts as lost, unexpected money as a deposit"
            ),
            now=now,
        )
    return events


def _detail(limit: str, watched: Watched, snapshot: AccountSnapshot) -> str:
    if limit == "DAILY_LOSS" and watched.loss is not None:
        loss = watched.loss
        return (
            f"the day's loss is {_money(loss.loss)} of {_money(loss.limit)} {snapshot.currency} allowed"
            f" ({loss.used_percent:.1f} %); the floor is {_money(loss.floor)}, the equity {_money(snapshot.equity)}"
        )
    if watched.drawdown is not None:
        down = watched.drawdown
        return (
            f"the drawdown is {down.percent:.2f} %, {down.used_percent:.1f} % of what is allowed;"
            f" the floor is {_money(down.floor)} {snapshot.currency}, the equity {_money(snapshot.equity)}"
        )
    return f"the equity is {_money(snapshot.equity)} {snapshot.currency}"
