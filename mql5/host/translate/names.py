"""What MQL5 calls its built-ins, and which of them the runtime has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent.parent / "runtime"
_NAMES = Path(__file__).resolve().parent / "mql5_names.txt"
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)

STRUCTS = frozenset(
    [
        "MqlTradeRequest",
        "MqlTradeResult",
        "MqlTradeCheckResult",
        "MqlTradeTransaction",
        "MqlTick",
        "MqlRates",
        "MqlDateTime",
    ],
)
# Written as variables in MQL5, functions in the runtime.
VARIABLES = {
    "_Symbol": "mql::Symbol()",
    "_Period": "mql::Period()",
    "_Point": "mql::Point()",
    "_Digits": "mql::Digits()",
    "_LastError": "mql::last_error()",
    "_StopFlag": "mql::IsStopped()",
    "_UninitReason": "mql::UninitializeReason()",
}


@dataclass(frozen=True)
class Builtins:
    """`known`: every name of MQL5; `implemented`: those the runtime has; `enums`: enum types with their members."""

    known: frozenset[str]
    implemented: frozenset[str]
    enums: dict[str, list[tuple[str, int]]]

    @property
    def types(self) -> frozenset[str]:
        """Structs and enums of MQL5."""
        return frozenset(self.enums) | STRUCTS

    @property
    def functions(self) -> frozenset[str]:
        """Implemented built-in functions (MQL5 writes them in CamelCase, the C-like ones in lower case)."""
        shape = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*|[a-z]+[0-9]*")
        return frozenset(n for n in self.implemented & self.known if shape.fullmatch(n) and not n.startswith("clr"))


@cache
def builtins() -> Builtins:
    """Read the list of MQL5's names and the runtime's own headers, so that the two cannot drift apart."""
    known = frozenset(_NAMES.read_text().split())
    enums = read_enums(RUNTIME / "enums.txt")
    found: set[str] = {*VARIABLES, "EnumToString"}
    for header in sorted((RUNTIME / "api").glob("*.hpp")):
        found.update(re.findall(r"[A-Za-z_]\w*", _COMMENT.sub("", header.read_text())))
    members = {name for values in enums.values() for name, _ in values}
    del enums["-"]  # plain int constants, no type
    return Builtins(known, frozenset((found & known) | members | set(enums) | STRUCTS), enums)


def read_enums(path: Path) -> dict[str, list[tuple[str, int]]]:
    """Parse `ENUM_NAME MEMBER[=value] …` lines; a member without a value is one more than the last."""
    enums: dict[str, list[tuple[str, int]]] = {}
    for line in path.read_text().splitlines():
        words = line.split("//")[0].split()
        if not words:
            continue
        value, members = -1, []
        for word in words[1:]:
            name, _, number = word.partition("=")
            value = int(number, 0) if number else value + 1
            members.append((name, value))
        enums.setdefault(words[0], []).extend(members)
    return enums
