"""Decide again from the record of a decision: whoever doubts an answer can have it computed anew."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rubi.domain.errors import RubiError
from rubi.domain.legacy_risk import decide_legacy
from rubi.domain.plan import MoveStop, StepCase, shown_step
from rubi.domain.risk import gates, gates_change
from rubi.domain.risk.case import RiskCase
from rubi.domain.risk.record import build, digest, plain

Record = dict[str, Any]


def replay_stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """Decide again from a row of decisions; `equal` when every value is the same, `differences` name the others.

    Raises:
        RubiError: `DECISION_NOT_REPLAYABLE`, the decision was not made from a case.

    """
    record, stored = row["record"], row["record_sha256"]
    rules = record.get("rules", "")
    if rules not in _AGAIN or not record.keys() & {"case", "cases"}:
        raise RubiError(
            "DECISION_NOT_REPLAYABLE",
            f"decision {row['id']} was made without a case ({rules or row['code']}): there is nothing to compute again",
        )
    again = _AGAIN[rules](record, datetime.fromisoformat(record["decision"]["decided_at"]))
    sha256 = digest({**record, **again} if rules in _WHOLE else again["decision"])
    differences = [one for name in again for one in _differences(record.get(name), again[name], name)]
    return {
        "id": row["id"],
        "rules": rules,
        "approved": again["decision"]["approved"],
        "code": again["decision"]["code"],
        "stored_sha256": stored,
        "replayed_sha256": sha256,
        "equal": sha256 == stored and not differences,
        "differences": differences,
    }


def _opening(record: Record, _: datetime) -> Record:
    return {"decision": gates.replay(record).to_record()}


def _legacy(record: Record, now: datetime) -> Record:
    return {"decision": decide_legacy(RiskCase.from_record(record["case"]), now=now).to_record()}


def _change(record: Record, now: datetime) -> Record:
    return {"decision": build(gates_change.StopCase, record["case"]).decide(now).to_record()}


def _close(record: Record, now: datetime) -> Record:
    return {"decision": build(gates.CloseCase, record["case"]).decide(now).to_record()}


def _closes(record: Record, now: datetime) -> Record:
    closes = [plain(build(gates.CloseCase, each).decide(now)) for each in record["cases"]]
    return {"decision": closes[0], "closes": closes}


def _plan(record: Record, now: datetime) -> Record:
    case = build(StepCase, record["case"])
    step = case.next_step()
    stop = step.price if isinstance(step, MoveStop) else case.held.stop
    return {"step": shown_step(step), "decision": gates_change.allow(0, case.held.stop, stop, now=now).to_record()}


_AGAIN: dict[str, Callable[[Record, datetime], Record]] = {
    "gates": _opening,
    "legacy": _legacy,
    "change": _change,
    "close": _close,
    "closes": _closes,
    "plan": _plan,
}
"""By the rules that were asked. A refusal that needed no gate has nothing to compute."""
_WHOLE = frozenset({"closes", "plan"})
"""Their digest is that of the whole record, not of its one decision."""


def _differences(before: Any, after: Any, at: str) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            one
            for name in sorted(before.keys() | after.keys())
            for one in _differences(before.get(name), after.get(name), f"{at}.{name}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            one
            for n, (old, new) in enumerate(zip(before, after, strict=True))
            for one in _differences(old, new, f"{at}[{n}]")
        ]
    return [] if before == after else [f"{at}: {before!r} was stored, {after!r} computed now"]
