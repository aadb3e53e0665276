"""`python -m mql5.host.translate file.mq5 [out.cpp]`, or `--builtins`: translate one program, or say why not."""

from __future__ import annotations

import sys
from pathlib import Path

from mql5.host.translate import TranslationError, translate
from mql5.host.translate.names import builtins


def main(arguments: list[str]) -> int:
    """Write the C++ to the second argument or to standard output; 1 when the source is refused."""
    if arguments == ["--builtins"]:
        sys.stdout.write("\n".join(sorted(builtins().functions)) + "\n")
        return 0
    if not arguments:
        sys.stderr.write("usage: python -m mql5.host.translate (file.mq5 [out.cpp] | --builtins)\n")
        return 2
    path = Path(arguments[0])
    try:
        done = translate(path, [folder / "Include" for folder in path.resolve().parents])
    except TranslationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if len(arguments) > 1:
        Path(arguments[1]).write_text(done.cpp)
    else:
        sys.stdout.write(done.cpp)
    return 0


raise SystemExit(main(sys.argv[1:]))
