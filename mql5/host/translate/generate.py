"""The outline to one C++ translation unit."""

from __future__ import annotations

from mql5.host.translate.checks import HANDLERS
from mql5.host.translate.emit import Emitter
from mql5.host.translate.lexer import Token
from mql5.host.translate.rewrite import Rewriter, text_literal
from mql5.host.translate.syntax import Access, Enum, Function, Outline, Parameter, Record, Variable

_ARGUMENTS = {
    "OnDeinit": "const int reason",
    "OnTradeTransaction": (
        "const MqlTradeTransaction &transaction, const MqlTradeRequest &request, const MqlTradeResult &result"
    ),
    "OnChartEvent": "const int id, const long &lparam, const double &dparam, const string &sparam",
}


class Generator:
    """Writes declarations in an order C++ accepts: names of records, enums, prototypes, then the source's order."""

    def __init__(self, outline: Outline, types: frozenset[str]) -> None:
        self._outline = outline
        self._out = Emitter()
        self._code = Rewriter(self._out, types)

    def unit(self) -> str:
        """The C++ text of the program."""
        out, outline = self._out, self._outline
        out.raw('#include "mql.hpp"\nnamespace ea {\nusing namespace mql;')
        for record in outline.records:
            out.raw(f"struct {record.name.text};" if record.at.text == "struct" else f"class {record.name.text};")
        for enum in outline.enums():
            self._enum(enum)
        for function in outline.all(Function):
            if function.owner is None and function.body is not None:
                self._prototype(function)
        for item in outline.items:
            if isinstance(item, Record) and item.members is not None:
                self._record(item)
            elif isinstance(item, Variable):
                self._variable(item)
            elif isinstance(item, Function) and item.body is not None:
                self._definition(item, item.owner)
        out.raw("}  // namespace ea")
        out.raw(self._table())
        return out.text()

    def _enum(self, enum: Enum) -> None:
        out = self._out
        out.put(f"enum {enum.name.text} : int {{", enum.at)
        for name, value in enum.members:
            out.put(name.text, name)
            if value:
                out.put("=")
                self._code.tokens(value)
            out.put(",")
        out.put("};", enum.end)
        kind = enum.name.text
        lines = [f"inline mql::string EnumToString(const {kind} value) {{"]
        lines += [f"  if (value == {m.text}) return {text_literal(m.text)};" for m, _ in enum.members]
        lines += [f"  return mql::unnamed_enum({text_literal(kind)}, static_cast<int>(value));", "}"]
        out.raw("\n".join(lines))

    def _parameters(self, parameters: list[Parameter], *, defaults: bool, rvalue: int = -1) -> None:
        out = self._out
        out.put("(")
        for i, parameter in enumerate(parameters):
            if i:
                out.put(",")
            kind = f"mql::array<{parameter.type.text}>" if parameter.array else parameter.type.text
            mark = "&&" if i == rvalue else "&" if parameter.ref else ""
            name = parameter.name.text if parameter.name is not None else ""
            out.put(f"{'const ' if parameter.const else ''}{kind} {mark}{name}", parameter.type)
            if defaults and parameter.value is not None:
                out.put("=")
                self._code.tokens(parameter.value)
        out.put(")")

    def _head(self, function: Function, *, words: bool) -> None:
        out = self._out
        allowed = [w for w in function.words if w in {"virtual", "static"}] if words else []
        const = "const" in function.words
        result = function.result.text if function.result is not None else ""
        out.put(" ".join([*allowed, "const " * const + result]), function.at)

    def _deleted(self, function: Function) -> None:
        """A temporary may not bind to `const T &` in MQL5: refuse it with a deleted overload."""
        for i, parameter in enumerate(function.parameters):
            if not (parameter.const and parameter.ref and not parameter.array):
                continue
            if function.result is None and parameter.type.text == function.name.text:
                continue
            self._head(function, words="static" in function.words)
            self._out.put(function.name.text)
            self._parameters(function.parameters, defaults=True, rvalue=i)
            self._out.put(("const " if "const" in function.tail else "") + "= delete;")

    def _prototype(self, function: Function) -> None:
        self._head(function, words=False)
        self._out.put(function.name.text)
        written = [
            other
            for other in self._outline.all(Function)
            if other.body is None
            and other.owner is None
            and other.name.text == function.name.text
            and [p.type.text for p in other.parameters] == [p.type.text for p in function.parameters]
        ]
        self._parameters((written or [function])[0].parameters, defaults=True)
        self._out.put(";")
        self._deleted(function)

    def _definition(self, function: Function, owner: Token | None) -> None:
        out = self._out
        self._head(function, words=False)
        prefix = f"{owner.text}::" if owner is not None else ""
        out.put(f"{prefix}{'~' if function.destructor else ''}{function.name.text}", function.name)
        self._parameters(function.parameters, defaults=False)
        out.put("const" if "const" in function.tail else "")
        self._code.function = f"{prefix}{function.name.text}"
        self._code.tokens(function.body or [])

    def _record(self, record: Record) -> None:
        out = self._out
        base = f": public {record.base.text}" if record.base is not None else ""
        out.put(f"{record.at.text} {record.name.text} {base} {{", record.at)
        for member in record.members or []:
            if isinstance(member, Access):
                out.put(f"{member.at.text}:", member.at)
            elif isinstance(member, Variable):
                self._variable(member, field=True)
            else:
                self._method(member, record)
        out.put("};", record.end)

    def _method(self, function: Function, record: Record) -> None:
        out = self._out
        self._head(function, words=True)
        out.put(f"{'~' if function.destructor else ''}{function.name.text}", function.name)
        self._parameters(function.parameters, defaults=True)
        out.put(" ".join(function.tail))
        if function.body is None:
            out.put(";", function.end)
        else:
            self._code.function = f"{record.name.text}::{function.name.text}"
            self._code.tokens(function.body)
        self._deleted(function)

    def _variable(self, variable: Variable, *, field: bool = False) -> None:
        out = self._out
        if {"input", "sinput"} & set(variable.words):
            one, kind = variable.names[0], variable.type.text
            out.put(f'const {kind} &{one.name.text} = mql::input<{kind}>("{one.name.text}",', variable.at)
            self._code.tokens(one.value or [])
            out.put(");")
            return
        out.put(" ".join(variable.words), variable.at)
        if variable.names[0].extent is not None:
            self._code.array(variable.type, variable.names[0], field=field)
            out.put(";")
            return
        out.put(variable.type.text, variable.type)
        for i, one in enumerate(variable.names):
            prefix = f"{variable.owner.text}::" if variable.owner is not None else ""
            out.put(("," if i else "") + prefix + one.name.text, one.name)
            if one.value is not None:
                out.put("=")
                self._code.tokens(one.value)
        out.put(";")

    def _table(self) -> str:
        present = {
            f.name.text: f
            for f in self._outline.all(Function)
            if f.owner is None and f.body is not None and f.name.text in HANDLERS
        }
        lines = ["namespace mql {"]
        events = [name for name in HANDLERS if name != "OnStart"]
        for name, arguments in ((n, _ARGUMENTS.get(n, "")) for n in events):
            names = ", ".join(part.split()[-1].lstrip("&") for part in arguments.split(",")) if arguments else ""
            function = present.get(name)
            call = f"::ea::{name}({names})" if function is not None else ""
            if name == "OnInit":
                call = call or ("::ea::OnStart()" if "OnStart" in present else "")
                is_int = function is not None and function.result is not None and function.result.text == "int"
                body = f"return {call};" if is_int else f"{call}; return 0;" if call else "return 0;"
                lines.append(f"static int handle_{name}() {{ {body} }}")
            else:
                lines.append(f"static void handle_{name}({arguments}) {{ {call}; }}")
        pointers = ", ".join(f"&handle_{name}" if name in present or name == "OnInit" else "nullptr" for name in events)
        for name in events:
            if name not in present and name != "OnInit":
                lines = [line for line in lines if f"handle_{name}(" not in line]
        lines += [f"const handlers program = {{{pointers}}};", "}  // namespace mql"]
        return "\n".join(lines)
