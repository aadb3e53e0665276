"""What the translator refuses, with the place of every refusal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One refused construct: the file as the author named it, the line from 1, and why."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class TranslationError(Exception):
    """The source is not MQL5, or lies outside the subset the host executes."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def refuse(place: tuple[str, int], message: str) -> TranslationError:
    """Return the error for one problem at `place` (file, line)."""
    return TranslationError([Problem(place[0], place[1], message)])
