#!/usr/bin/env python3
"""Put the connector and its headers together into the one file that a trader copies.

python3 mql5/bundle.py           write mql5/RubiStudioConnector.mq5
python3 mql5/bundle.py --check   say whether it is current; exit 1 when it is not
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "Experts" / "Rubi" / "RubiStudioConnector.mq5"
INCLUDE = HERE / "Include"
TARGET = HERE / "RubiStudioConnector.mq5"

_INCLUDE = re.compile(r'^#include\s+(?:<(?P<system>[^>]+)>|"(?P<near>[^"]+)")\s*$')
_RULE = "//+------------------------------------------------------------------+"
_NOTICE = [
    "//--- One file out of Experts/Rubi and Include/Rubi, made by mql5/bundle.py.",
    "//--- Change those files, not this one.",
]


class BundleError(Exception):
    """A source that cannot go into the bundle."""


def bundle(source: Path = SOURCE, include: Path = INCLUDE) -> str:
    """Return the text of `source` with every header in its place, each once.

    Raises BundleError for a header that is missing, for letters that MetaEditor or a diff would not show, and for a
    line that does not end in a plain newline.
    """
    lines = _flatten(source, include, set())
    # the notice stands behind the banner, so that the file still begins as MetaEditor's own do
    end = lines.index(_RULE, 1) + 1
    return "\n".join([*lines[:end], *_NOTICE, *lines[end:]]) + "\n"


def _flatten(path: Path, include: Path, seen: set[Path]) -> list[str]:
    """Return the lines of a file; a header that was seen before is nothing, as in MQL5."""
    lines: list[str] = []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        found = _INCLUDE.match(line)
        if found is None:
            lines.append(line)
            continue
        header = include / found["system"] if found["system"] else path.parent / found["near"]
        header = header.resolve()
        if not header.is_file():
            message = f"{path.name}:{number}: there is no {header.name}; headers live in {include}"
            raise BundleError(message)
        if header not in seen:
            seen.add(header)
            lines += _without_guard(header, _flatten(header, include, seen))
    return lines


def _without_guard(header: Path, lines: list[str]) -> list[str]:
    """Return a header's lines without its include guard: in one file each header stands once anyway."""
    found = next((number for number, line in enumerate(lines) if line.startswith("#ifndef ")), None)
    if found is None or lines[found + 1] != lines[found].replace("#ifndef", "#define") or lines[-2] != "#endif":
        message = f"{header.name}: it must begin with #ifndef and #define of one name and end with #endif"
        raise BundleError(message)
    return [*lines[:found], *lines[found + 2 : -2], lines[-1]]


def _read(path: Path) -> str:
    """Return a file's text; printable UTF-8 with plain line ends is all that may be in it."""
    text = path.read_bytes().decode("utf-8")
    for number, line in enumerate(text.split("\n"), start=1):
        bad = next((letter for letter in line if not letter.isprintable()), None)
        if bad is not None:
            message = f"{path.name}:{number}: the letter {bad!r} is not printable; take it out"
            raise BundleError(message)
    return text


def main(arguments: list[str] | None = None) -> int:
    """Write the bundle, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the bundle is not current")
    options = parser.parse_args(arguments)
    try:
        text = bundle()
    except (BundleError, UnicodeDecodeError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    current = TARGET.is_file() and TARGET.read_bytes() == text.encode("utf-8")
    if options.check:
        if not current:
            sys.stderr.write(f"{TARGET.name} is not what its sources make: run python3 mql5/bundle.py\n")
        return 0 if current else 1
    if not current:
        TARGET.write_bytes(text.encode("utf-8"))
    sys.stdout.write(f"{TARGET.name}: {len(text.splitlines())} lines{'' if current else ', written'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
