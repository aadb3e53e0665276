"""The outline of a program: enums, records, functions, variables. Bodies stay token lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from mql5.host.translate.lexer import Token

SIMPLE_TYPES = frozenset(
    [
        "bool",
        "char",
        "uchar",
        "short",
        "ushort",
        "int",
        "uint",
        "long",
        "ulong",
        "float",
        "double",
        "string",
        "datetime",
        "color",
    ],
)


@dataclass(slots=True)
class Declarator:
    """One name of a declaration; `extent` is None for a plain variable, [] for `x[]`, tokens for `x[N]`."""

    name: Token
    extent: list[Token] | None
    value: list[Token] | None


@dataclass(slots=True)
class Variable:
    """`static const T a, b = 1;`, an input, or a field."""

    at: Token
    words: list[str]
    type: Token
    names: list[Declarator]
    owner: Token | None = None


@dataclass(slots=True)
class Parameter:
    """One parameter of a function."""

    const: bool
    type: Token
    ref: bool
    array: bool
    name: Token | None
    value: list[Token] | None


@dataclass(slots=True)
class Function:
    """A function or method; `body` is None for a declaration; `result` is None for constructors and destructors."""

    at: Token
    words: list[str]
    result: Token | None
    owner: Token | None
    name: Token
    destructor: bool
    parameters: list[Parameter]
    tail: list[str]
    body: list[Token] | None
    end: Token


@dataclass(slots=True)
class Access:
    """`public:` and the like."""

    at: Token


@dataclass(slots=True)
class Record:
    """A struct or a class; `members` is None for a forward declaration."""

    at: Token
    name: Token
    base: Token | None
    members: list[Variable | Function | Access] | None
    end: Token


@dataclass(slots=True)
class Enum:
    """An enum and its members with their value expressions."""

    at: Token
    name: Token
    members: list[tuple[Token, list[Token]]]
    end: Token


@dataclass(slots=True)
class Group:
    """`input group "…"`."""

    at: Token
    title: str


Some = TypeVar("Some")
Item = Enum | Record | Function | Variable | Group


@dataclass(slots=True)
class Outline:
    """The whole program."""

    items: list[Item] = field(default_factory=list)

    def enums(self) -> list[Enum]:
        """All enums."""
        return [item for item in self.items if isinstance(item, Enum)]

    def all(self, kind: type[Some]) -> list[Some]:
        """Every item of one kind, in the order of the source."""
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def records(self) -> list[Record]:
        """Structs and classes with their members; forward declarations left out."""
        return [item for item in self.all(Record) if item.members is not None]

    @property
    def functions(self) -> list[Function]:
        """Free functions, and methods written inside and outside of their records."""
        inside = [m for record in self.records for m in record.members or [] if isinstance(m, Function)]
        return self.all(Function) + inside
