"""An account's risk policy: read it, set it, lay a programme's rules over it. Every version is kept."""

from typing import Any
from uuid import UUID

from rubi.domain.errors import PreconditionFailedError, PreconditionNeededError, RubiError
from rubi.domain.risk import memory as limits
from rubi.domain.risk import profiles
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.units import Money
from rubi.flows.audit import audit
from rubi.flows.choose_account import need_account
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection, Ports
from rubi.flows.report_unusable_policy import why_unusable
from rubi.flows.show_signal import shown
from rubi.flows.watch_limits import remembered
from rubi.store import policies, risk_facts, risk_state
from rubi.store.policies import KeptPolicy

NEVER_SET = frozenset({"version"})


async def read_policy(ports: Ports, caller: Caller, account: str | None) -> dict[str, Any]:
    """The policy that holds for an account, as JSON.

    Raises:
        NotFoundError, ForbiddenError, RubiError: a wrong account, or none.

    """
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
        return show_policy(chosen.id, await policies.current(conn, chosen.id))


async def read_policy_history(
    ports: Ports, caller: Caller, account: str | None, *, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """The versions of an account's policy, newest first; without the defaults, which nobody set.

    Raises:
        NotFoundError, ForbiddenError, RubiError: a wrong account, or none.

    """
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
        return [
            show_policy(chosen.id, kept) for kept in await policies.history(conn, chosen.id, before=before, limit=limit)
        ]


async def set_policy(
    conn: Connection, caller: Caller, values: dict[str, Any], *, account: str | None, seen: str | None, reason: str
) -> Effect:
    """Set a whole policy; what is left out takes its default. `seen` is the version that the caller looked at.

    Raises:
        PolicyError: 422, a parameter that cannot hold, by its name.
        PreconditionFailedError, PreconditionNeededError: somebody else changed it since, or `seen` is missing.

    """
    chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
    before = await _turn(conn, chosen.id, seen)
    wanted = {name: value for name, value in values.items() if name not in NEVER_SET}
    after = RiskPolicy.from_dict({**wanted, "version": before.policy.version + 1})
    return await _keep(conn, caller, chosen.id, before, after, reason)


async def apply_profile(
    conn: Connection,
    caller: Caller,
    name: str,
    initial_balance: Money,
    *,
    account: str | None,
    seen: str | None,
    reason: str,
) -> Effect:
    """Lay the loss limits of a programme over the policy, from an initial balance (account currency).

    Raises:
        NotFoundError: no such programme; and what `set_policy` raises.
        RubiError: 422 `POLICY_UNUSABLE`, the policy to lay it over cannot hold itself.

    """
    chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
    before = await _turn(conn, chosen.id, seen)
    if before.fault is not None:
        raise RubiError("POLICY_UNUSABLE", why_unusable(before.policy.version, before.fault), field=before.fault.field)
    return await _keep(conn, caller, chosen.id, before, profiles.apply(name, before.policy, initial_balance), reason)


async def _turn(conn: Connection, account_id: UUID, seen: str | None) -> KeptPolicy:
    await risk_facts.take_turn(conn, account_id)
    before = await policies.current(conn, account_id)
    version = before.policy.version
    if seen is None:
        raise PreconditionNeededError(
            "IF_MATCH_NEEDED", "send If-Match with the ETag of the policy that you looked at", field="If-Match"
        )
    if not {str(version), "*"} & _versions(seen):
        raise PreconditionFailedError(
            "POLICY_CHANGED",
            f"you looked at version {seen.strip()}, it is {version} by now; read it again",
            version=version,
        )
    return before


def _versions(if_match: str) -> set[str]:
    """The versions that the header names: one, several, `*`; a proxy may have made them weak (`W/"3"`)."""
    return {each.strip().removeprefix("W/").strip('"') for each in if_match.split(",")}


async def _keep(
    conn: Connection, caller: Caller, account_id: UUID, before: KeptPolicy, after: RiskPolicy, reason: str
) -> Effect:
    changed = {
        name: [before.values.get(name), value]
        for name, value in after.to_dict().items()
        if name not in NEVER_SET and before.values.get(name) != value
    }
    await policies.insert(conn, account_id, after, reason=reason, user_id=caller.who.user_id, now=caller.now)
    if "initial_balance" in changed:
        await _count_from_initial(conn, caller, account_id)
    await audit(
        conn,
        caller.who,
        "risk.policy",
        "account",
        account_id,
        {"version": after.version, "changed": changed, "reason": reason},
        request_id=caller.request_id,
        now=caller.now,
    )
    return Effect(200, show_policy(account_id, await policies.current(conn, account_id)))


async def _count_from_initial(conn: Connection, caller: Caller, account_id: UUID) -> None:
    """Another initial balance: units and drawdown count from it, and deposits from now on."""
    account = await risk_state.read(conn, account_id)
    if account is None or account.memory is None:
        return
    today = trading_day(caller.now, account.policy, account.clock)
    memory = await remembered(conn, account_id, account, today)
    after = limits.restart_drawdown(memory, account.snapshot, account.policy, today, from_initial=True)
    reason, since = account.reason, account.flatten_since
    await risk_state.save(conn, account_id, after, reason=reason, flatten_since=since, now=caller.now)
    await risk_state.save_day(conn, account_id, after, account.policy.day_anchor)


def show_policy(account_id: UUID, kept: KeptPolicy) -> dict[str, Any]:
    """A policy as JSON, with what is wrong with it; decimals are text, so that none loses a digit."""
    problem = None if kept.fault is None else {"field": kept.fault.field, "message": kept.fault.detail}
    return {
        "account_id": str(account_id),
        "version": kept.policy.version,
        "policy": kept.values,
        "problem": problem,
        "reason": kept.reason,
        "created_by": kept.created_by,
        "created_at": shown("created_at", kept.created_at),
    }
