"""Translate a program and compile it with the runtime; everything is kept under a hash of its content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mql5.host.translate import enums, translate
from mql5.host.translate.names import RUNTIME

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".rubi" / "host-cache"
_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
    "-Wno-switch",
    "-Wno-unused-parameter",
    "-Wno-implicit-fallthrough",
    "-Wno-maybe-uninitialized",
]
_BASE = ["-std=c++17", "-pipe", "-ftrivial-auto-var-init=pattern", "-fno-lifetime-dse", "-ffp-contract=off"]
Flavour = Literal["checked", "plain", "fast"]
# checked: the tests; plain: many programs quickly (mutants); fast: time measurements.
_FLAVOURS: dict[Flavour, list[str]] = {
    "checked": [
        "-O0",
        "-g1",
        "-fsanitize=address,undefined,float-divide-by-zero,float-cast-overflow",
        "-fno-sanitize-recover=all",
        "-fno-omit-frame-pointer",
    ],
    "plain": ["-O0", "-g0"],
    "fast": ["-O1", "-g1"],
}
# The runtime around a checked program is watched for memory errors only: twice as quick to compile.
_CHECKED_RUNTIME = ["-O0", "-g1", "-fsanitize=address", "-fno-omit-frame-pointer"]
_UNITS = 4


class CompileError(Exception):
    """g++ refused the translated program; the text names lines of the MQL5 source."""


@dataclass(frozen=True, slots=True)
class Built:
    """A program ready to run, and how long its making took (seconds; 0 when it was in the cache)."""

    executable: Path
    manifest: dict[str, Any]
    translate_s: float
    compile_s: float


def compiler() -> str | None:
    """The path of g++, or None: then nothing of the host can run."""
    return shutil.which("g++")


def flags(flavour: Flavour) -> list[str]:
    """The flags of one flavour."""
    return [*_BASE, *_WARNINGS, *_FLAVOURS[flavour]]


def runtime(flavour: Flavour, cache: Path = CACHE) -> Path:
    """Compile the runtime once per content and flavour; return its folder (objects, precompiled header)."""
    sources = sorted(RUNTIME.rglob("*.[ch]pp"))
    texts = [enums.header(), enums.source(), *(path.read_text() for path in sources)]
    words = [*_BASE, *_WARNINGS, *(_CHECKED_RUNTIME if flavour == "checked" else _FLAVOURS[flavour])]
    folder = cache / f"runtime-{_digest(texts, [*words, *flags(flavour)])}"
    if (folder / "done").exists():
        os.utime(folder)
        return folder
    work = cache / f"{folder.name}.{os.getpid()}"
    work.mkdir(parents=True)
    (work / "enums.hpp").write_text(texts[0])
    (work / "enums.cpp").write_text(texts[1])
    (work / "mql.hpp").write_text('#include "everything.hpp"\n')
    include = ["-I", str(work), "-I", str(RUNTIME)]
    header = [*flags(flavour), *include, "-x", "c++-header", str(work / "mql.hpp"), "-o", str(work / "mql.hpp.gch")]
    jobs = [header]
    bodies = sorted([*(p for p in sources if p.suffix == ".cpp"), work / "enums.cpp"], key=lambda p: -p.stat().st_size)
    for n in range(_UNITS):  # a few large units: reading the standard library's headers is most of the work
        unit = work / f"unit{n}.cpp"
        unit.write_text("".join(f'#include "{path}"\n' for path in bodies[n::_UNITS]))
        jobs.append([*words, *include, "-c", str(unit), "-o", str(work / f"unit{n}.o")])
    try:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            list(pool.map(_compile, jobs))
    except CompileError:
        shutil.rmtree(work)
        raise
    (work / "done").touch()
    try:
        work.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(work)
    return folder


def build(
    source: Path, *, flavour: Flavour = "checked", cache: Path = CACHE, include_dirs: list[Path] | None = None
) -> Built:
    """Translate and compile `source`. Raise TranslationError, or CompileError with g++'s words."""
    began = time.perf_counter()
    done = translate(source, include_dirs)
    translated = time.perf_counter()
    base = runtime(flavour, cache)
    folder = cache / f"program-{_digest([done.cpp, base.name], [])}"
    executable = folder / "program"
    if executable.exists():
        os.utime(folder)
        return Built(executable, done.manifest, translated - began, 0.0)
    work = cache / f"{folder.name}.{os.getpid()}"
    work.mkdir(parents=True)
    try:
        (work / "program.cpp").write_text(done.cpp)
        (work / "manifest.json").write_text(json.dumps(done.manifest, indent=1))
        _compile([*_unit_flags(base, flavour), "-c", str(work / "program.cpp"), "-o", str(work / "program.o")])
        objects = [str(path) for path in sorted(base.glob("*.o"))]
        _compile([*flags(flavour), str(work / "program.o"), *objects, "-o", str(work / "program")])
        (work / "program.o").unlink()
    except CompileError:
        shutil.rmtree(work)
        raise
    try:
        work.rename(folder)
    except OSError:
        shutil.rmtree(work)
    return Built(executable, done.manifest, translated - began, time.perf_counter() - translated)


def kept(text: str, name: str, cache: Path = CACHE) -> Path:
    """A file with `text` whose path depends on the text only, so that what is built from it is found again."""
    path = cache / f"source-{_digest([text, name], [])}" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    os.utime(path.parent)
    return path


def tidy(days: float = 2.0, cache: Path = CACHE) -> None:
    """Remove what nobody used for `days`."""
    limit = time.time() - days * 86400
    for folder in cache.glob("*-*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < limit:
                shutil.rmtree(folder)


def check(source: Path, *, cache: Path = CACHE, include_dirs: list[Path] | None = None) -> None:
    """Translate and let g++ judge, without making a program; its optimiser looks for uninitialised variables."""
    cpp = translate(source, include_dirs).cpp
    base = runtime("fast", cache)
    flow = ["-Wmaybe-uninitialized", "-ftrivial-auto-var-init=uninitialized", "-S", "-o", os.devnull, "-x", "c++", "-"]
    _compile([*_unit_flags(base, "fast"), *flow], cpp)


def judge(cpp: str, *, cache: Path = CACHE) -> str:
    """What g++ says of a whole translation unit, without making anything; empty when it is content."""
    base = runtime("plain", cache)
    try:
        _compile([*_unit_flags(base, "plain"), "-fsyntax-only", "-fmax-errors=0", "-x", "c++", "-"], cpp)
    except CompileError as error:
        return str(error)
    return ""


def _unit_flags(base: Path, flavour: Flavour) -> list[str]:
    # The folder with the precompiled header comes first, so that #include "mql.hpp" finds it.
    return [*flags(flavour), "-I", str(base), "-I", str(RUNTIME)]


def _compile(arguments: list[str], text: str | None = None) -> None:
    done = subprocess.run(["g++", *arguments], input=text, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        raise CompileError(done.stderr.strip())


def _digest(texts: list[str], words: list[str]) -> str:
    digest = hashlib.sha256()
    for text in [*texts, *words]:
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:20]
