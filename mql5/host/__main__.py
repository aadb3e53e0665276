"""`python -m mql5.host file.mq5`: translate, let g++ judge, print what MetaEditor would probably say too."""

from __future__ import annotations

import sys
from pathlib import Path

from mql5.host.build import CompileError, check, compiler
from mql5.host.translate import TranslationError


def main(arguments: list[str]) -> int:
    """Check every file; 0 when all are clean."""
    if not arguments:
        sys.stderr.write("usage: python -m mql5.host file.mq5 …\n")
        return 2
    if compiler() is None:
        sys.stderr.write("g++ is not installed: the host cannot compile. On Debian and Ubuntu: apt-get install g++\n")
        return 2
    code = 0
    for name in arguments:
        path = Path(name)
        try:
            check(path, include_dirs=[folder / "Include" for folder in path.resolve().parents])
        except (TranslationError, CompileError) as error:
            sys.stderr.write(f"{error}\n")
            code = 1
        else:
            sys.stdout.write(f"{name}: clean\n")
    return code


raise SystemExit(main(sys.argv[1:]))
