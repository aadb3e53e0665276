"""What MetaEditor refuses and a C++ compiler would let pass, and what lies outside the subset."""

from __future__ import annotations

from mql5.host.translate.errors import Problem
from mql5.host.translate.lexer import Token
from mql5.host.translate.names import Builtins
from mql5.host.translate.syntax import SIMPLE_TYPES, Function, Outline, Record, Variable

HANDLERS: dict[str, tuple[set[str], list[str]]] = {
    "OnInit": ({"int", "void"}, []),
    "OnDeinit": ({"void"}, ["int"]),
    "OnStart": ({"void"}, []),  # a script: all it does is done at `init`
    "OnTick": ({"void"}, []),
    "OnTimer": ({"void"}, []),
    "OnTrade": ({"void"}, []),
    "OnTradeTransaction": ({"void"}, ["MqlTradeTransaction", "MqlTradeRequest", "MqlTradeResult"]),
    "OnChartEvent": ({"void"}, ["int", "long", "double", "string"]),
}
_FOREIGN = {"OnTester", "OnTesterInit", "OnTesterDeinit", "OnTesterPass", "OnBookEvent", "OnCalculate"}
PREDEFINED = {"__FUNCTION__", "__LINE__", "__FILE__", "__MQLBUILD__", "__MQL5BUILD__", "EMPTY"}


class Checks:
    """Collects every problem of the outline; bodies are judged by `mql5.host.translate.bodies`."""

    def __init__(self, outline: Outline, builtins: Builtins) -> None:
        self.outline = outline
        self.builtins = builtins
        self.problems: list[Problem] = []
        self.records = {record.name.text for record in outline.records}
        self.types = SIMPLE_TYPES | builtins.types | self.records | {e.name.text for e in outline.enums()}

    def run(self) -> list[Problem]:
        """Judge declarations; return the problems in the order of the source."""
        self._unique()
        for function in self.outline.functions:
            self._function(function)
        for record in self.outline.records:
            self._record(record)
        for variable in self.outline.all(Variable):
            self._variable(variable)
        handlers = {f.name.text: f for f in self.outline.all(Function) if f.owner is None and f.name.text in HANDLERS}
        if "OnStart" in handlers and len(handlers) > 1:
            self.problem(handlers["OnStart"].name, "a script has OnStart and no other handler")
        if not any(f.owner is None and f.name.text in HANDLERS for f in self.outline.all(Function)):
            first = self.outline.items[0] if self.outline.items else None
            at = first.at if first else Token("end", "", "", 1, first=True, space=False)
            self.problem(at, "no event handler: an Expert Advisor needs OnInit, OnTick or OnTimer")
        return self.problems

    def problem(self, token: Token, message: str) -> None:
        """Remember a refusal at the place of `token`."""
        self.problems.append(Problem(token.file, token.line, message))

    def _unique(self) -> None:
        seen: dict[str, Token] = {}
        names = [e.name for e in self.outline.enums()] + [r.name for r in self.outline.records]
        names += [d.name for v in self.outline.all(Variable) if v.owner is None for d in v.names]
        names += [member for e in self.outline.enums() for member, _ in e.members]
        for name in names:
            if name.text in seen:
                self.problem(name, f"'{name.text}' is already declared in line {seen[name.text].line}")
            elif name.text in self.builtins.known or name.text in SIMPLE_TYPES:
                self.problem(name, f"'{name.text}' is a name of MQL5 itself")
            seen.setdefault(name.text, name)

    def _function(self, function: Function) -> None:
        name = function.name
        if function.result is not None and function.result.text in self.records | {
            "MqlTradeRequest",
            "MqlTradeResult",
            "MqlTradeTransaction",
            "MqlTick",
            "MqlRates",
            "MqlDateTime",
        }:
            self.problem(name, f"'{name.text}' returns a struct: outside the subset, use an out-parameter")
        for parameter in function.parameters:
            heavy = parameter.type.text in self.records or parameter.type.text.startswith("Mql")
            if heavy and not parameter.ref:
                self.problem(parameter.type, f"objects of type '{parameter.type.text}' are passed by reference only")
            if parameter.ref and parameter.value is not None:
                self.problem(parameter.type, "a reference parameter cannot have a default value")
            if parameter.name is None and function.body is not None:
                self.problem(parameter.type, "a parameter of a defined function needs a name")
        in_record = any(function in (r.members or []) for r in self.outline.records)
        if function.owner is None and not in_record:
            self._free(function)
        elif function.owner is not None and function.body is None:
            self.problem(name, f"'{function.owner.text}::{name.text}' has no body")
        if function.owner is not None and function.owner.text not in self.records:
            self.problem(function.owner, f"'{function.owner.text}' is not a class of this program")

    def _free(self, function: Function) -> None:
        name = function.name
        if function.words:
            self.problem(function.at, f"'{function.words[0]}' does not belong to a function outside of a class")
        if function.tail:
            self.problem(function.at, f"'{function.tail[0]}' does not belong to a function outside of a class")
        if name.text in HANDLERS:
            results, types = HANDLERS[name.text]
            if function.result is None or function.result.text not in results:
                self.problem(name, f"{name.text} must return {' or '.join(sorted(results))}")
            if [p.type.text for p in function.parameters] != types or any(p.array for p in function.parameters):
                self.problem(name, f"{name.text} must take ({', '.join(types)})")
        elif name.text in _FOREIGN:
            self.problem(name, f"{name.text} is not a handler that the host drives")
        elif name.text in self.builtins.known:
            self.problem(name, f"'{name.text}' is a built-in of MQL5 and cannot be defined again")
        if function.body is None and not any(
            other.body is not None and other.owner is None and other.name.text == name.text
            for other in self.outline.all(Function)
        ):
            self.problem(name, f"function '{name.text}' must have a body")

    def _record(self, record: Record) -> None:
        if record.base is not None and record.base.text not in self.records:
            self.problem(record.base, f"base '{record.base.text}' is not a class of this program")
        for member in record.members or []:
            if isinstance(member, Variable):
                for one in member.names:
                    if one.value is not None:
                        self.problem(
                            one.name, f"field '{one.name.text}' cannot be initialised here: use the constructor"
                        )
                if "input" in member.words or "sinput" in member.words:
                    self.problem(member.at, "input does not belong into a class")

    def _variable(self, variable: Variable) -> None:
        if not {"input", "sinput"} & set(variable.words):
            if variable.owner is not None and variable.owner.text not in self.records:
                self.problem(variable.owner, f"'{variable.owner.text}' is not a class of this program")
            return
        for one in variable.names:
            if len(variable.names) > 1:
                self.problem(one.name, "declare one input per line")
                break
            if one.extent is not None:
                self.problem(one.name, f"input '{one.name.text}' cannot be an array")
            if variable.type.text in self.records or variable.type.text.startswith("Mql"):
                self.problem(one.name, f"input '{one.name.text}' must have a simple type or an enum")
            if one.value is None:
                self.problem(one.name, f"input '{one.name.text}' needs a default value")
            elif any(token.text == "(" for token in one.value):
                self.problem(one.name, f"the default of input '{one.name.text}' must be a constant")
