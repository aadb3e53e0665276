"""Characters to tokens. Everything MQL5 does not spell is refused here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mql5.host.translate.errors import refuse

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\f\v]+|\\\n|//[^\n]*|/\*.*?\*/)
  | (?P<newline>\n)
  | (?P<include>\#[ \t]*include[ \t]+(?:<[^>\n]+>|"[^"\n]+"))
  | (?P<date>D'[^'\n]*')
  | (?P<colour>C'[^'\n]*')
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<char>'(?:\\x[0-9A-Fa-f]{1,4}|\\.|[^'\\\n])')
  | (?P<number>0[xX][0-9A-Fa-f]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?f?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|<=|>=|==|!=|&&|\|\||::|\#\#
      |/(?!\*)|[-+*%<>=!~&|^?:;,.()\[\]{}\#])
    """,
    re.VERBOSE | re.DOTALL,
)
_MAX_NAME = 63


@dataclass(slots=True)
class Token:
    """One token; `first` tells that it opens a logical line, `space` that blanks precede it."""

    kind: str
    text: str
    file: str
    line: int
    first: bool
    space: bool

    @property
    def place(self) -> tuple[str, int]:
        """File and line, as a refusal names them."""
        return (self.file, self.line)

    def like(self, kind: str, text: str) -> Token:
        """Another token at the same place."""
        return Token(kind, text, self.file, self.line, first=False, space=True)


def lex(source: str, file: str) -> list[Token]:
    """Return the tokens of `source`; raise TranslationError at the first character MQL5 has no use for."""
    tokens: list[Token] = []
    line, at, first, space = 1, 0, True, False
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise refuse((file, line), _explain(source, at))
        kind, text = str(match.lastgroup), match.group()
        if kind == "newline":
            line, first, space = line + 1, True, False
        elif kind == "blank":
            line, space = line + text.count("\n"), True
        else:
            _check(kind, text, source, match.end(), (file, line))
            tokens.append(Token(kind, text, file, line, first, space))
            first = space = False
        at = match.end()
    return tokens


def _check(kind: str, text: str, source: str, end: int, place: tuple[str, int]) -> None:
    if kind == "name" and len(text) > _MAX_NAME:
        raise refuse(place, f"identifier '{text[:20]}…' is longer than {_MAX_NAME} characters")
    if kind == "number":
        if re.match(r"[A-Za-z0-9_']", source[end : end + 1]):
            raise refuse(place, f"number '{text}{source[end]}' has a suffix or separator that MQL5 does not know")
        if re.fullmatch(r"0\d+", text):
            raise refuse(place, f"number '{text}' starts with a zero: octal in C++, decimal in MQL5")
    if kind == "mark" and text in {"->", "..."}:
        raise refuse(place, f"'{text}' is not an operator of MQL5")
    if kind == "mark" and text == "##":
        raise refuse(place, "'##' in macros is outside the subset")


def _explain(source: str, at: int) -> str:
    char = source[at]
    if source.startswith("/*", at):
        return "comment is not closed"
    if char == '"':
        return "string literal is not closed on its line"
    if char == "'":
        return "character literal must hold exactly one character"
    if char == "\ufeff":
        return "byte order mark in the middle of the source"
    return f"unexpected character {char!r}"


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'", "0": "\0", "a": "\a", "b": "\b"}


def unescape(text: str, place: tuple[str, int]) -> str:
    """Return the characters of a string or character literal (with its quotes)."""
    out: list[str] = []
    body, at = text[1:-1], 0
    while at < len(body):
        char = body[at]
        if char != "\\":
            out.append(char)
            at += 1
            continue
        if match := re.match(r"x([0-9A-Fa-f]{1,4})", body[at + 1 :]):
            out.append(chr(int(match.group(1), 16)))
            at += 1 + match.end()
            continue
        if body[at + 1] not in _ESCAPES:
            raise refuse(place, f"unknown escape sequence '\\{body[at + 1]}'")
        out.append(_ESCAPES[body[at + 1]])
        at += 2
    return "".join(out)
