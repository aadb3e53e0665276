"""Includes, macros, conditions and properties: one flat list of tokens comes out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from mql5.host.translate.errors import refuse
from mql5.host.translate.lexer import Token, lex, unescape

_PROPERTIES = {"copyright", "link", "version", "description", "icon", "stacksize", "script_show_inputs"}
_HOST_WORDS = re.compile(r"HOST|LINUX|GNUC|CPLUSPLUS|CLANG", re.IGNORECASE)
_STANDARD = re.compile(
    r"(Trade|Arrays|Generic|Files|Strings|Objects|Charts|Indicators|Controls|Expert|Math|JAson|Canvas|Tools|WinAPI)\b"
)
_MAX_DEPTH = 32


@dataclass(slots=True)
class Macro:
    """`#define`: parameters are None for an object-like macro."""

    parameters: list[str] | None
    body: list[Token]


@dataclass(slots=True)
class Source:
    """The program after preprocessing."""

    tokens: list[Token] = field(default_factory=list)
    properties: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)


def preprocess(path: Path, include_dirs: list[Path]) -> Source:
    """Return the tokens of the program that starts at `path`, includes flattened, macros expanded."""
    source = Source()
    _file(source, path, include_dirs, depth=0)
    return source


def _file(source: Source, path: Path, include_dirs: list[Path], depth: int) -> None:
    name = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse((name, 1), f"the file is not UTF-8 at byte {error.start}") from None
    if depth > _MAX_DEPTH:
        raise refuse((name, 1), "includes are nested too deeply: a file includes itself")
    source.files.append(name)
    tokens = lex(text, name)
    live: list[bool] = []
    at, pending = 0, []
    while at < len(tokens):
        token = tokens[at]
        if not (token.first and token.text.startswith("#")):
            if all(live):
                pending.append(token)
            at += 1
            continue
        source.tokens.extend(expand(pending, source.macros))
        pending = []
        end = at + 1
        while end < len(tokens) and not tokens[end].first:
            end += 1
        _directive(source, tokens[at:end], live, path, include_dirs, depth)
        at = end
    if live:
        raise refuse((name, tokens[-1].line), "#ifdef without #endif")
    source.tokens.extend(expand(pending, source.macros))


def _directive(
    source: Source, words: list[Token], live: list[bool], path: Path, include_dirs: list[Path], depth: int
) -> None:
    head = words[0]
    if head.kind == "include":
        if all(live):
            _file(source, _find(head, path, include_dirs), include_dirs, depth + 1)
        return
    if len(words) < 2:
        raise refuse(head.place, "lonely '#'")
    verb, rest = words[1].text, words[2:]
    if verb in {"ifdef", "ifndef"}:
        if len(rest) != 1 or rest[0].kind != "name":
            raise refuse(head.place, f"#{verb} needs one name")
        if _HOST_WORDS.search(rest[0].text):
            raise refuse(head.place, f"#{verb} {rest[0].text}: the source may not know about the host")
        defined = rest[0].text in source.macros or rest[0].text in {"__MQL5__", "__MQL__"}
        live.append(defined == (verb == "ifdef"))
    elif verb in {"else", "endif"}:
        if not live:
            raise refuse(head.place, f"#{verb} without #ifdef")
        was = live.pop()
        if verb == "else":
            live.append(not was)
    elif all(live):
        _statement(source, head, verb, rest)


def _statement(source: Source, head: Token, verb: str, rest: list[Token]) -> None:
    if verb == "define":
        _define(source, head, rest)
    elif verb == "undef":
        source.macros.pop(rest[0].text if rest else "", None)
    elif verb == "property":
        _property(source, head, rest)
    elif verb in {"if", "elif", "import", "resource"}:
        raise refuse(head.place, f"#{verb} is outside the subset")
    else:
        raise refuse(head.place, f"#{verb} is not a directive of MQL5")


def _define(source: Source, head: Token, rest: list[Token]) -> None:
    if not rest or rest[0].kind != "name":
        raise refuse(head.place, "#define needs a name")
    name, body = rest[0].text, rest[1:]
    if name in source.macros:
        raise refuse(head.place, f"macro '{name}' is defined twice")
    parameters: list[str] | None = None
    if body and body[0].text == "(" and not body[0].space:
        close = next((i for i, token in enumerate(body) if token.text == ")"), None)
        if close is None:
            raise refuse(head.place, f"the parameters of macro '{name}' are not closed")
        parameters = [token.text for token in body[1:close] if token.text != ","]
        body = body[close + 1 :]
    if any(token.text == "#" for token in body):
        raise refuse(head.place, "'#' in macros is outside the subset")
    source.macros[name] = Macro(parameters, body)


def _property(source: Source, head: Token, rest: list[Token]) -> None:
    if not rest:
        raise refuse(head.place, "#property needs a name")
    name = rest[0].text
    if name not in _PROPERTIES:
        raise refuse(head.place, f"#property {name} is not a property of an Expert Advisor that the host knows")
    values = [unescape(t.text, t.place) if t.kind == "string" else t.text for t in rest[1:]]
    if name == "version" and not re.fullmatch(r"\d{1,3}\.\d{1,3}", "".join(values)):
        raise refuse(head.place, '#property version must look like "1.23"')
    source.properties.setdefault(name, []).append(" ".join(values))


def _find(token: Token, path: Path, include_dirs: list[Path]) -> Path:
    quoted = token.text.split("include", 1)[1].strip()
    name = quoted[1:-1].replace("\\", "/")
    places = [path.parent / name] if quoted[0] == '"' else [folder / name for folder in include_dirs]
    for place in places:
        if place.is_file():
            return place
    if quoted[0] == "<" and _STANDARD.match(name):
        raise refuse(token.place, f"<{name}>: the standard library is not ours to ship and outside the subset")
    raise refuse(token.place, f"cannot open include file {quoted}")


def expand(tokens: list[Token], macros: dict[str, Macro], hidden: frozenset[str] = frozenset()) -> list[Token]:
    """Return `tokens` with macros replaced; the replacement stands at the place of its use."""
    if not macros:
        return tokens
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        macro = macros.get(token.text) if token.kind == "name" and token.text not in hidden else None
        if macro is None or (macro.parameters is not None and (at + 1 >= len(tokens) or tokens[at + 1].text != "(")):
            out.append(token)
            at += 1
            continue
        body, at = macro.body, at + 1
        if macro.parameters is not None:
            arguments, at = _arguments(tokens, at, token)
            if len(arguments) != len(macro.parameters):
                raise refuse(token.place, f"macro '{token.text}' takes {len(macro.parameters)} arguments")
            expanded = [expand(argument, macros, hidden) for argument in arguments]
            given = dict(zip(macro.parameters, expanded, strict=True))
            body = [part for piece in body for part in given.get(piece.text, [piece])]
        placed = [Token(t.kind, t.text, token.file, token.line, first=False, space=True) for t in body]
        out.extend(expand(placed, macros, hidden | {token.text}))
    return out


def _arguments(tokens: list[Token], at: int, use: Token) -> tuple[list[list[Token]], int]:
    arguments: list[list[Token]] = [[]]
    depth, start = 0, at
    while at < len(tokens):
        text = tokens[at].text
        depth += (text in "([{") - (text in ")]}") if len(text) == 1 else 0
        if depth == 0:
            return ([] if arguments == [[]] else arguments), at + 1
        if depth == 1 and text == ",":
            arguments.append([])
        elif at > start:
            arguments[-1].append(tokens[at])
        at += 1
    raise refuse(use.place, f"the arguments of macro '{use.text}' are not closed")
