"""One call from a path to C++."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mql5.host.translate.bodies import Bodies
from mql5.host.translate.checks import Checks
from mql5.host.translate.errors import TranslationError
from mql5.host.translate.generate import Generator
from mql5.host.translate.manifest import manifest
from mql5.host.translate.names import builtins
from mql5.host.translate.parser import parse
from mql5.host.translate.preprocess import preprocess


@dataclass(frozen=True, slots=True)
class Translation:
    """The C++ of a program and its manifest."""

    cpp: str
    manifest: dict[str, Any]


def translate(path: Path, include_dirs: list[Path] | None = None) -> Translation:
    """Translate the Expert Advisor at `path`; raise TranslationError with every refusal found."""
    names = builtins()
    source = preprocess(path, include_dirs or [])
    outline = parse(source.tokens, names.types)
    checks = Checks(outline, names)
    problems = checks.run()
    Bodies(checks).run()
    if problems:
        raise TranslationError(sorted(problems, key=lambda p: (p.file, p.line)))
    return Translation(Generator(outline, frozenset(checks.types)).unit(), manifest(source, outline))
