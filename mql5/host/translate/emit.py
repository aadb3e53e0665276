"""Writes C++ so that every token stands on the line of the source it came from."""

from __future__ import annotations

from mql5.host.translate.lexer import Token

_FAR = 8


class Emitter:
    """Collects text and keeps `#line` in step."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._file = ""
        self._line = 0

    def at(self, token: Token) -> None:
        """Continue on the line of `token`."""
        gap = token.line - self._line
        if token.file != self._file or gap < 0 or gap > _FAR:
            name = token.file.replace("\\", "/").replace('"', "")
            self._out.append(f'\n#line {token.line} "{name}"\n')
        elif gap:
            self._out.append("\n" * gap)
        self._file, self._line = token.file, token.line

    def put(self, text: str, token: Token | None = None) -> None:
        """Write `text`, on the line of `token` when one is given."""
        if token is not None:
            self.at(token)
        self._out.append(text + " ")

    def raw(self, text: str) -> None:
        """Write lines that belong to no source line."""
        self._out.append("\n" + text + "\n")
        self._file = ""

    def text(self) -> str:
        """Everything written."""
        return "".join(self._out)
