"""Tokens to outline. Only declarations are parsed; g++ judges expressions."""

from __future__ import annotations

import itertools

from mql5.host.translate.errors import TranslationError, refuse
from mql5.host.translate.lexer import Token, unescape
from mql5.host.translate.syntax import (
    SIMPLE_TYPES,
    Access,
    Declarator,
    Enum,
    Function,
    Group,
    Item,
    Outline,
    Parameter,
    Record,
    Variable,
)

_OPEN = {"(": ")", "[": "]", "{": "}"}
_REFUSED = {
    "template": "templates are",
    "typedef": "typedef is",
    "union": "unions are",
    "namespace": "namespaces are",
    "extern": "'extern' is",
    "export": "'export' is",
    "interface": "interfaces are",
    "using": "'using' is",
    "friend": "'friend' is",
}


class Parser:
    """A cursor over the tokens of one program."""

    def __init__(self, tokens: list[Token], types: frozenset[str]) -> None:
        self._tokens = tokens
        self._at = 0
        last = tokens[-1] if tokens else Token("mark", "", "", 1, first=True, space=False)
        self._end = last.like("end", "end of file")
        self.types = types

    def outline(self) -> Outline:
        """Parse everything; stop at the first construct that is no declaration."""
        out = Outline()
        while self.peek.kind != "end":
            if self.peek.text == ";":
                self.take()
                continue
            out.items.append(self._item())
        return out

    @property
    def peek(self) -> Token:
        """The next token."""
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def ahead(self, n: int) -> Token:
        """The token `n` after the next one."""
        return self._tokens[self._at + n] if self._at + n < len(self._tokens) else self._end

    def take(self, text: str | None = None) -> Token:
        """Take the next token, which must be `text` when that is given."""
        token = self.peek
        if text is not None and token.text != text:
            raise refuse(token.place, f"'{text}' expected before '{token.text}'")
        self._at += 1
        return token

    def name(self) -> Token:
        """Take a name."""
        token = self.take()
        if token.kind != "name":
            raise refuse(token.place, f"a name was expected before '{token.text}'")
        return token

    def until_closed(self) -> list[Token]:
        """Take a bracketed run and return what is inside the brackets."""
        opener = self.take()
        stack, inside = [_OPEN[opener.text]], []
        while stack:
            token = self.take()
            if token.kind == "end":
                raise refuse(opener.place, f"'{opener.text}' is never closed")
            if token.kind == "mark":
                if token.text in _OPEN:
                    stack.append(_OPEN[token.text])
                elif token.text in _OPEN.values() and token.text != stack.pop():
                    raise refuse(token.place, f"unbalanced '{token.text}'")
            if stack:
                inside.append(token)
        return inside

    def expression(self, stops: str) -> list[Token]:
        """Take tokens up to one of `stops` outside of brackets."""
        start = self._at
        while not (self.peek.kind in {"mark", "end"} and (self.peek.text in stops.split() or self.peek.kind == "end")):
            if self.peek.text in _OPEN and self.peek.kind == "mark":
                self.until_closed()
            else:
                self.take()
        if self.peek.kind == "end":
            raise refuse(self._tokens[start].place if start < len(self._tokens) else self._end.place, "';' is missing")
        return self._tokens[start : self._at]

    def _item(self) -> Item:
        token = self.peek
        if token.text in _REFUSED:
            raise refuse(token.place, f"{_REFUSED[token.text]} outside the subset")
        if token.text == "enum":
            return self._enum()
        if token.text in {"struct", "class"}:
            return self._record()
        if token.text in {"input", "sinput"} and self.ahead(1).text == "group":
            self.take()
            self.take()
            title = self.take()
            if title.kind != "string":
                raise refuse(title.place, "input group needs a string")
            if self.peek.text == ";":
                self.take()
            return Group(token, unescape(title.text, title.place))
        return self._declaration(None)

    def _enum(self) -> Enum:
        at = self.take()
        name = self.name()
        if self.peek.text == ":":
            raise refuse(self.peek.place, "an enum of MQL5 has no underlying type")
        inside = Parser(self._bracketed("{"), self.types)
        members: list[tuple[Token, list[Token]]] = []
        while inside.peek.kind != "end":
            member, value = inside.name(), []
            if inside.peek.text == "=":
                inside.take()
                start = inside._at
                while inside.peek.kind != "end" and inside.peek.text != ",":
                    inside.until_closed() if inside.peek.text in _OPEN else inside.take()
                value = inside._tokens[start : inside._at]
            members.append((member, value))
            if inside.peek.kind != "end":
                inside.take(",")
        if not members:
            raise refuse(at.place, f"enum '{name.text}' has no members")
        return Enum(at, name, members, self.take(";"))

    def _bracketed(self, opener: str) -> list[Token]:
        if self.peek.text != opener:
            raise refuse(self.peek.place, f"'{opener}' expected before '{self.peek.text}'")
        return self.until_closed()

    def _record(self) -> Record:
        at = self.take()
        name, base = self.name(), None
        if self.peek.text == ";":
            return Record(at, name, None, None, self.take())
        if self.peek.text in {"final", "pack"}:
            raise refuse(self.peek.place, f"'{self.peek.text}' is outside the subset")
        if self.peek.text == ":":
            self.take()
            if self.peek.text in {"public", "protected", "private"} and self.take().text != "public":
                raise refuse(name.place, "only public inheritance is in the subset")
            base = self.name()
            if self.peek.text == ",":
                raise refuse(self.peek.place, "MQL5 has no multiple inheritance")
        inside = Parser(self._bracketed("{"), self.types)
        members: list[Variable | Function | Access] = []
        while inside.peek.kind != "end":
            word = inside.peek
            if word.text in {"public", "protected", "private"} and inside.ahead(1).text == ":":
                members.append(Access(inside.take()))
                inside.take()
            elif word.text in {"struct", "class", "enum"}:
                raise refuse(word.place, f"a {word.text} inside of '{name.text}' is outside the subset")
            elif word.text in _REFUSED:
                raise refuse(word.place, f"{_REFUSED[word.text]} outside the subset")
            elif word.text == ";":
                raise refuse(word.place, "stray ';'")
            else:
                members.append(inside._declaration(name))
        if self.peek.text != ";":
            raise refuse(self.peek.place, f"';' is missing after {at.text} '{name.text}'")
        return Record(at, name, base, members, self.take(";"))

    def _declaration(self, record: Token | None) -> Variable | Function:
        at, words = self.peek, []
        while self.peek.text in {"static", "const", "virtual", "input", "sinput"}:
            words.append(self.take().text)
        if len(words) != len(set(words)):
            raise refuse(at.place, "the same word twice in one declaration")
        if function := self._special(at, words, record):
            return function
        kind = self._type()
        if self.peek.text == "operator" or self.ahead(2).text == "operator":
            raise refuse(self.peek.place, "operators of one's own are outside the subset")
        if self.peek.text == "&":
            raise refuse(self.peek.place, "MQL5 has no references but parameters")
        if self.peek.text == "*":
            raise refuse(self.peek.place, "pointers are outside the subset")
        owner, name = None, self.name()
        if self.peek.text == "::":
            owner = name
            self.take()
            if self.peek.text == "operator":
                raise refuse(self.peek.place, "operators of one's own are outside the subset")
            name = self.name()
        if self.peek.text == "(":
            return self._function(at, words, kind, owner, name, destructor=False)
        return self._variable(at, words, kind, owner, name)

    def _special(self, at: Token, words: list[str], record: Token | None) -> Function | None:
        """Constructor or destructor, inside (`CFoo(…)`) or outside (`CFoo::CFoo(…)`) of its class."""
        owner = None
        if record is None:
            if self.ahead(1).text != "::" or self.ahead(2).text not in {"~", self.peek.text}:
                return None
            owner = self.take()
            self.take()
        destructor = self.peek.text == "~"
        if not destructor and not (self.peek.kind == "name" and self.ahead(1).text == "("):
            return None
        if destructor:
            self.take()
        name = self.name()
        expected = (owner or record or name).text
        if name.text != expected:
            raise refuse(name.place, f"'{name.text}' has no result type")
        return self._function(at, words, None, owner, name, destructor=destructor)

    def _type(self) -> Token:
        token = self.take()
        if token.kind != "name" or (token.text not in SIMPLE_TYPES | {"void"} and token.text not in self.types):
            if self.peek.kind == "name" and token.kind == "name":
                raise refuse(token.place, f"unknown type '{token.text}'")
            raise refuse(token.place, f"declaration expected, '{token.text}' found")
        return token

    def _function(
        self, at: Token, words: list[str], result: Token | None, owner: Token | None, name: Token, *, destructor: bool
    ) -> Function:
        parameters = self._parameters()
        tail: list[str] = []
        while self.peek.text in {"const", "override", "final"}:
            tail.append(self.take().text)
        if self.peek.text == ":":
            raise refuse(self.peek.place, "member initialisers are outside the subset: assign in the body")
        if self.peek.text == "=":
            self.take()
            if self.peek.text != "0":
                raise refuse(self.peek.place, f"'= {self.peek.text}' is outside the subset")
            self.take()
            tail.append("= 0")
        body = None
        if self.peek.text == "{" and "= 0" not in tail:
            start = self._at
            self.until_closed()
            body = self._tokens[start : self._at]
            end = body[-1]
        elif self.peek.text == ";":
            end = self.take()
        else:
            raise refuse(self.peek.place, f"'{{' or ';' expected before '{self.peek.text}'")
        return Function(at, words, result, owner, name, destructor, parameters, tail, body, end)

    def _parameters(self) -> list[Parameter]:
        inside = Parser(self._bracketed("("), self.types)
        out: list[Parameter] = []
        if inside.peek.text == "void" and inside.ahead(1).kind == "end":
            return out
        while inside.peek.kind != "end":
            out.append(inside._parameter())
            if inside.peek.kind != "end":
                inside.take(",")
                if inside.peek.kind == "end":
                    raise refuse(self.peek.place, "a parameter is missing after ','")
        return out

    def _parameter(self) -> Parameter:
        const = self.peek.text == "const"
        if const:
            self.take()
        kind, ref, array = self._type(), False, False
        if kind.text == "void":
            raise refuse(kind.place, "a parameter cannot be void")
        if self.peek.text == "*":
            raise refuse(self.peek.place, "pointers are outside the subset")
        if self.peek.text == "&":
            self.take()
            ref = True
        if self.peek.text == "&&":
            raise refuse(self.peek.place, "MQL5 has no '&&' references")
        name = self.name() if self.peek.kind == "name" else None
        if self.peek.text == "[":
            extent = self.until_closed()
            if extent or self.peek.text == "[":
                raise refuse(kind.place, "an array parameter is 'T &name[]': no size, one dimension")
            if not ref:
                raise refuse(kind.place, "arrays are passed by reference only")
            array = True
        value = None
        if self.peek.text == "=":
            self.take()
            start = self._at
            while self.peek.kind != "end" and self.peek.text != ",":
                self.until_closed() if self.peek.text in _OPEN else self.take()
            value = self._tokens[start : self._at]
        return Parameter(const, kind, ref, array, name, value)

    def _variable(self, at: Token, words: list[str], kind: Token, owner: Token | None, name: Token) -> Variable:
        if kind.text == "void":
            raise refuse(kind.place, f"variable '{name.text}' cannot be void")
        names: list[Declarator] = []
        while True:
            extent = self.until_closed() if self.peek.text == "[" else None
            if self.peek.text == "[":
                raise refuse(self.peek.place, "arrays of more than one dimension are outside the subset")
            value = None
            if self.peek.text == "=":
                self.take()
                value = self.expression(", ;")
            names.append(Declarator(name, extent, value))
            if self.peek.text != ",":
                break
            self.take()
            if self.peek.text == "*":
                raise refuse(self.peek.place, "pointers are outside the subset")
            name = self.name()
        if self.peek.text != ";":
            raise refuse(self.peek.place, f"';' expected before '{self.peek.text}'")
        self.take(";")
        if len(names) > 1 and any(one.extent is not None for one in names):
            raise refuse(at.place, "declare one array per statement")
        return Variable(at, words, kind, names, owner)


def parse(tokens: list[Token], types: frozenset[str]) -> Outline:
    """Return the outline of the program; `types` are the built-in structs and enums."""
    own = set()
    for here, after in itertools.pairwise(tokens):
        if here.text in {"enum", "struct", "class"} and here.kind == "name" and after.kind == "name":
            own.add(after.text)
    try:
        return Parser(tokens, types | own).outline()
    except RecursionError:
        raise TranslationError([]) from None
