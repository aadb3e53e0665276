"""MQL5 expressions and bodies to C++: literals, NULL, `this.`, arrays, the predefined variables."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePath

from mql5.host.translate.emit import Emitter
from mql5.host.translate.errors import refuse
from mql5.host.translate.lexer import Token, unescape
from mql5.host.translate.names import VARIABLES
from mql5.host.translate.syntax import Declarator

MQL_BUILD = 4755
_DAY_FIRST = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})(?: (?P<t>.*))?")
_YEAR_FIRST = re.compile(r"(?P<y>\d{4})\.(?P<m>\d{1,2})\.(?P<d>\d{1,2})(?: (?P<t>.*))?")
_MAX_BYTE = 255
_MAX_LONG = 2**63 - 1


def literal(token: Token) -> str:
    """C++ for one literal token."""
    if token.kind == "string":
        return text_literal(unescape(token.text, token.place))
    if token.kind == "char":
        char = unescape(token.text, token.place)
        if len(char) != 1 or ord(char) > 0xFFFF:
            raise refuse(token.place, "character literal must hold exactly one character")
        return f"static_cast<mql::ushort>({ord(char)})"
    if token.kind == "date":
        return f"mql::datetime({_date(token)}L)"
    if token.kind == "colour":
        return f"mql::color({_colour(token)})"
    if token.kind == "number" and token.text.isdigit() and int(token.text) > _MAX_LONG:
        return token.text + "UL"
    return token.text


def text_literal(text: str) -> str:
    """C++ for an MQL5 string with these characters."""
    out = []
    for unit in text:
        code = ord(unit)
        if unit in {'"', "\\"}:
            out.append("\\" + unit)
        elif 0x20 <= code < 0x7F:
            out.append(unit)
        elif code < 0xA0:
            out.append(f"\\{code:03o}")
        elif code > 0xFFFF:
            out.append(f"\\U{code:08x}")
        else:
            out.append(f"\\u{code:04x}")
    return 'mql::lit(u"' + "".join(out) + '")'


def _date(token: Token) -> int:
    body = token.text[2:-1].strip()
    match = _YEAR_FIRST.fullmatch(body) or _DAY_FIRST.fullmatch(body)
    if match is None:
        raise refuse(token.place, f"{token.text} is not a date of the form D'yyyy.mm.dd hh:mi:ss'")
    clock = [int(part) for part in (match["t"] or "0").split(":")] if re.fullmatch(r"[\d:]*", match["t"] or "0") else []
    try:
        hour, minute, second = [*clock, 0, 0][:3]
        moment = datetime(int(match["y"]), int(match["m"]), int(match["d"]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise refuse(token.place, f"{token.text} is not a date") from None
    return int(moment.timestamp())


def _colour(token: Token) -> int:
    parts = [part.strip() for part in token.text[2:-1].split(",")]
    try:
        red, green, blue = (int(part, 0) for part in parts)
    except ValueError:
        raise refuse(token.place, f"{token.text} is not a colour of the form C'red,green,blue'") from None
    if max(red, green, blue) > _MAX_BYTE or min(red, green, blue) < 0:
        raise refuse(token.place, f"{token.text} has a part beyond {_MAX_BYTE}")
    return red | green << 8 | blue << 16


class Rewriter:
    """Writes token lists; `types` are all type names, so that local arrays can be told from indexing."""

    def __init__(self, out: Emitter, types: frozenset[str]) -> None:
        self._out = out
        self._types = types
        self.function = ""

    def tokens(self, tokens: list[Token]) -> None:
        """Write a body, a statement or an expression."""
        i = 0
        while i < len(tokens):
            if end := self._local_array(tokens, i):
                i = end
                continue
            i += self._one(tokens, i)

    def _one(self, tokens: list[Token], i: int) -> int:
        token, out = tokens[i], self._out
        before = tokens[i - 1].text if i else ""
        if token.kind in {"string", "char", "date", "colour", "number"}:
            out.put(literal(token), token)
        elif token.kind != "name" or before == ".":
            out.put(token.text, token)
        elif token.text == "NULL":
            out.put("mql::null", token)
        elif token.text == "this":
            out.put("this->", token)
            return 2
        elif token.text == "__FUNCTION__":
            out.put(text_literal(self.function), token)
        elif token.text == "__LINE__":
            out.put(str(token.line), token)
        elif token.text == "__FILE__":
            out.put(text_literal(PurePath(token.file).name), token)
        elif token.text in {"__MQLBUILD__", "__MQL5BUILD__"}:
            out.put(str(MQL_BUILD), token)
        else:
            out.put(VARIABLES.get(token.text, token.text), token)
        return 1

    def _local_array(self, tokens: list[Token], i: int) -> int:
        """Write `T name[…] = {…};` that starts at `i`; return the index of its ';', or 0."""
        if i + 2 >= len(tokens) or tokens[i].text not in self._types or tokens[i].kind != "name":
            return 0
        name = tokens[i + 1]
        if name.kind != "name" or tokens[i + 2].text != "[":
            return 0
        close = next((j for j in range(i + 3, len(tokens)) if tokens[j].text == "]"), len(tokens))
        end = next((j for j in range(close, len(tokens)) if tokens[j].text == ";"), len(tokens))
        rest = tokens[close + 1 : end]
        if rest and rest[0].text != "=":
            raise refuse(rest[0].place, f"';' or '=' expected before '{rest[0].text}'")
        self.array(tokens[i], Declarator(name, tokens[i + 3 : close], rest[1:] or None))
        return end

    def array(self, kind: Token, one: Declarator, *, field: bool = False) -> None:
        """Write the declaration of an array without its ';'."""
        out = self._out
        out.put(f"mql::{'field_array' if field else 'array'}<{kind.text}> {one.name.text}", kind)
        if one.value is not None and one.value[0].text != "{":
            raise refuse(one.name.place, "an array is initialised with { … } only")
        if not one.extent and one.value is None:
            return
        out.put("{")
        if one.extent:
            out.put("mql::extent<(")
            self.tokens(one.extent)
            out.put(")>()")
        else:
            out.put("mql::extent_of_list()")
        if one.value is not None:
            out.put(",")
            self.tokens(one.value)
        out.put("}")
