"""Decide again from the record of a decision: whoever doubts an answer can have it computed anew."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rubi.domain.errors import RubiError
from rubi.domain.legacy_risk import decide_legacy
from rubi.domain.risk import gates
from rubi.domain.risk.case import RiskCase
from rubi.domain.risk.decision import Decision

_RULES = ("gates", "legacy")
"""Rules whose record holds the whole case. A refusal without gates, a close, a change tell their inputs in words."""


def replay_stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """Decide again from a row of decisions; `equal` when every value is the same, `differences` name the others.

    Raises:
        RubiError: `DECISION_NOT_REPLAYABLE`, the decision was not made from a whole case.

    """
    record, stored = row["record"], row["record_sha256"]
    rules = record.get("rules", "")
    if rules not in _RULES or "case" not in record:
        raise RubiError(
            "DECISION_NOT_REPLAYABLE",
            f"decision {row['id']} was made without a case ({rules or row['code']}): there is nothing to compute again",
        )
    again = _again(rules, record)
    before, after = record["decision"], again.to_record()
    differences = _differences(before, after)
    return {
        "id": row["id"],
        "rules": rules,
        "approved": again.approved,
        "code": None if again.code is None else str(again.code),
        "stored_sha256": stored,
        "replayed_sha256": again.digest,
        "equal": again.digest == stored and not differences,
        "differences": differences,
    }


def _again(rules: str, record: dict[str, Any]) -> Decision:
    if rules == "gates":
        return gates.replay(record)
    moment = datetime.fromisoformat(record["decision"]["decided_at"])
    return decide_legacy(RiskCase.from_record(record["case"]), now=moment)


def _differences(before: Any, after: Any, at: str = "decision") -> list[str]:
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
