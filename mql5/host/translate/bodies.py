"""Judges function bodies token by token: forbidden constructs, unknown names, side effects in arguments."""

from __future__ import annotations

from mql5.host.translate.checks import PREDEFINED, Checks
from mql5.host.translate.lexer import Token
from mql5.host.translate.syntax import Enum, Function, Variable

_STATEMENTS = frozenset(
    [
        "if",
        "else",
        "for",
        "while",
        "do",
        "switch",
        "case",
        "default",
        "break",
        "continue",
        "return",
        "sizeof",
        "true",
        "false",
        "this",
        "NULL",
        "const",
        "static",
        "void",
    ]
)
_CPP = {
    word: f"'{word}' is a word of C++, not of MQL5"
    for word in [
        "auto",
        "unsigned",
        "signed",
        "wchar_t",
        "nullptr",
        "goto",
        "try",
        "catch",
        "throw",
        "constexpr",
        "consteval",
        "typename",
        "mutable",
        "volatile",
        "register",
        "inline",
        "decltype",
        "static_cast",
        "reinterpret_cast",
        "const_cast",
        "asm",
        "typeid",
        "noexcept",
        "static_assert",
        "alignas",
        "alignof",
        "explicit",
        "char8_t",
        "char16_t",
        "char32_t",
        "size_t",
        "thread_local",
        "std",
        "and",
        "or",
        "not",
        "xor",
        "bitand",
        "bitor",
        "compl",
        "concept",
        "requires",
        "co_await",
        "co_return",
        "co_yield",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "nullptr_t",
        "FILE",
    ]
} | {
    "new": "'new' is outside the subset: objects live by value",
    "delete": "'delete' is outside the subset: objects live by value",
    "dynamic_cast": "'dynamic_cast' is outside the subset: there are no pointers",
    "template": "templates are outside the subset",
    "operator": "operators of one's own are outside the subset",
    "input": "input belongs outside of functions",
    "sinput": "input belongs outside of functions",
    "extern": "'extern' is outside the subset",
    "typedef": "typedef is outside the subset",
    "union": "unions are outside the subset",
    "struct": "a struct inside of a function is outside the subset",
    "class": "a class inside of a function is outside the subset",
    "enum": "an enum inside of a function is outside the subset",
}
_ASSIGN = frozenset(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "++", "--"])
_VALUE_ENDS = frozenset([")", "]"])


class Bodies:
    """One pass over every body and initialiser."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._types = checks.types
        outline = checks.outline
        self._functions = {f.name.text for f in outline.functions}
        self._globals = {d.name.text for v in outline.all(Variable) for d in v.names}
        self._globals |= {m.text for e in outline.all(Enum) for m, _ in e.members}
        self._fields = {
            d.name.text for r in outline.records for v in r.members or [] if isinstance(v, Variable) for d in v.names
        }
        self._reported: set[tuple[str, int, str]] = set()

    def run(self) -> None:
        """Judge all bodies; problems go to the checks."""
        outline = self._checks.outline
        for function in outline.functions:
            for parameter in function.parameters:
                if parameter.name is not None and parameter.name.text in _CPP:
                    self._problem(parameter.name, _CPP[parameter.name.text])
                self._tokens(parameter.value or [], set())
            if function.body is not None:
                self._body(function)
        for variable in outline.all(Variable):
            for one in variable.names:
                if one.name.text in _CPP:
                    self._problem(one.name, _CPP[one.name.text])
                self._tokens((one.extent or []) + (one.value or []), set())

    def _problem(self, token: Token, message: str) -> None:
        if (token.file, token.line, message) not in self._reported:
            self._reported.add((token.file, token.line, message))
            self._checks.problem(token, message)

    def _body(self, function: Function) -> None:
        body = function.body or []
        local = {p.name.text for p in function.parameters if p.name is not None}
        self._locals(body, local)
        self._tokens(body, local)
        self._calls(body)

    def _locals(self, body: list[Token], local: set[str]) -> None:
        """Add the names that the body declares; refuse what declares but may not."""
        for i, token in enumerate(body[:-1]):
            after = body[i + 1]
            if token.kind != "name" or token.text not in self._types:
                continue
            if after.text in {"*", "&"} and after.kind == "mark" and (i == 0 or body[i - 1].text != "."):
                what = (
                    "pointers are outside the subset" if after.text == "*" else "MQL5 has no references but parameters"
                )
                self._problem(after, what)
            if after.text == "{":
                self._problem(after, f"'{token.text}{{' is not an initialiser of MQL5")
            if after.kind != "name" or after.text in _STATEMENTS:
                continue
            self._declares(body, i + 1, local)

    def _declares(self, body: list[Token], i: int, local: set[str]) -> None:
        local.add(body[i].text)
        depth, j = 0, i + 1
        if body[j].text == "(" and self._after_close(body, j).text == "{":
            self._problem(body[i], f"function '{body[i].text}' inside of a function")
        if body[j].text == "{":
            self._problem(body[j], f"'{body[i].text}{{' is not an initialiser of MQL5")
        several = False
        while j < len(body) and not (depth == 0 and body[j].text in {";", ")", ":"}):
            text = body[j].text if body[j].kind == "mark" else ""
            depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
            if depth < 0:
                return
            if depth == 0 and text == "," and body[j + 1].kind == "name":
                local.add(body[j + 1].text)
                several = True
                if body[j + 2].text == "[":
                    self._problem(body[j + 1], "declare one array per statement")
            j += 1
        if several and body[i + 1].text == "[":
            self._problem(body[i], "declare one array per statement")

    @staticmethod
    def _after_close(body: list[Token], i: int) -> Token:
        depth = 0
        for j in range(i, len(body)):
            depth += (body[j].text == "(") - (body[j].text == ")")
            if depth == 0:
                return body[min(j + 1, len(body) - 1)]
        return body[-1]

    def _tokens(self, body: list[Token], local: set[str]) -> None:
        for i, token in enumerate(body):
            before = body[i - 1] if i else token.like("mark", ";")
            after = body[i + 1] if i + 1 < len(body) else token.like("mark", ";")
            if token.kind == "name":
                self._name(token, before, after, local)
            elif token.kind == "mark":
                self._mark(token, before, after, body, i)
            elif token.kind == "string" and after.kind == "string":
                self._problem(after, "two string literals side by side: join them with '+'")

    def _name(self, token: Token, before: Token, after: Token, local: set[str]) -> None:
        text = token.text
        if before.text == ".":
            return
        if text in _CPP:
            self._problem(token, _CPP[text])
            return
        if text == "this" and after.text != ".":
            self._problem(token, "'this' may only stand before a dot: pointers are outside the subset")
        if text == "struct" or text in _STATEMENTS or text in PREDEFINED or text in self._types or text in local:
            return
        if text in self._globals or text in self._fields or text in self._functions:
            return
        builtins = self._checks.builtins
        if text in builtins.implemented:
            return
        if text in builtins.known:
            self._problem(token, f"'{text}' is a built-in of MQL5 that this host does not implement")
        elif after.text == "(":
            self._problem(token, f"'{text}' is neither a function of this program nor a built-in of MQL5")
        else:
            self._problem(token, f"undeclared identifier '{text}'")

    def _mark(self, token: Token, before: Token, after: Token, body: list[Token], i: int) -> None:
        text = token.text
        starts_value = not (before.kind in {"name", "number", "string", "char"} or before.text in _VALUE_ENDS)
        starts_value = starts_value or (before.kind == "name" and before.text in {"return", "case"})
        cast = i >= 3 and before.text == ")" and body[i - 3].text == "(" and body[i - 2].text in self._types
        if text in {"&", "*"} and (starts_value or cast):
            self._problem(token, f"'{text}' before a value: pointers are outside the subset")
        elif text == "[" and starts_value:
            self._problem(token, "lambdas and stray '[' are not MQL5")
        elif text == "[" and before.text == "]":
            self._problem(token, "arrays of more than one dimension are outside the subset")
        elif text == "::" and starts_value and after.kind != "name":
            self._problem(token, "stray '::'")
        elif text == "{":
            self._brace(token, before, body, i)
        elif text == "." and before.text in {"{", ","}:
            self._problem(token, "designated initialisers are not MQL5")
        elif text == "#":
            self._problem(token, "'#' inside of code")

    def _brace(self, token: Token, before: Token, body: list[Token], i: int) -> None:
        if before.text in {")", ";", "{", "}", ":", "else", "do"} or i == 0:
            return
        if before.text == "=" and i >= 3:
            named = body[i - 2].kind == "name" and body[i - 3].kind == "name" and body[i - 3].text in self._types
            if named or body[i - 2].text == "]":
                return
        if before.text == "=" and i < 3:
            return
        if before.text == "," and self._in_initialiser(body, i):
            return
        self._problem(token, "'{' may only open a block or the initialiser of a declaration")

    @staticmethod
    def _in_initialiser(body: list[Token], i: int) -> bool:
        depth = 0
        for j in range(i - 1, -1, -1):
            depth += (body[j].text in ("}", ")")) - (body[j].text in ("{", "("))
            if depth < 0:
                return body[j].text == "{" and j > 0 and body[j - 1].text in {"=", "{", ","}
        return True

    def _calls(self, body: list[Token]) -> None:
        """Arguments are evaluated from right to left in MQL5: nothing may change inside of them."""
        stack: list[Token | None] = []
        for i, token in enumerate(body):
            if token.kind != "mark":
                continue
            if token.text == "(":
                callee = body[i - 1]
                is_call = callee.kind == "name" and callee.text not in _STATEMENTS and callee.text not in self._types
                stack.append(callee if is_call else None)
                if callee.text == "for":
                    self._range_for(body, i)
            elif token.text == ")" and stack:
                stack.pop()
            elif token.text in _ASSIGN:
                call = next((callee for callee in stack if callee is not None), None)
                if call is not None:
                    self._problem(token, f"'{token.text}' inside of the arguments of '{call.text}'")

    def _range_for(self, body: list[Token], i: int) -> None:
        depth, question = 0, False
        for token in body[i:]:
            depth += (token.text == "(") - (token.text == ")")
            question = question or token.text == "?"
            if depth == 0 or token.text == ";":
                return
            if token.text == ":" and not question:
                self._problem(token, "MQL5 has no 'for' over a range")
                return
