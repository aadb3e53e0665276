"""`test`, `bench`, `lock` and `sbom`: tools of those who change the code."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from rubi.cli.errors import CommandError
from rubi.cli.install import uv_settings
from rubi.embedded.places import PROJECT_ROOT

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
BENCHMARKS = PROJECT_ROOT / "tests" / "benchmarks"
MACHINE_ONLY = {"UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
"""What lies beside the main index may hold files for this machine's Python alone: no others would be locked."""
SETS = ("requirements", "requirements-embedded", "requirements-dev", "requirements-operations")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(context_settings=PASS_ON)(test)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)
    app.command()(lock)
    app.command()(sbom)


def test(context: typer.Context) -> None:
    """Run the tests; everything behind `test` goes to pytest. The whole suite runs in several processes."""
    os.chdir(PROJECT_ROOT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *(context.args or _whole_suite())])  # noqa: S606


def _whole_suite() -> list[str]:
    """A process a core and one more, each with servers of its own, files whole; on a server of the tester's own one.

    One more, because a process a core leaves the cores idle for a third of the time. The Expert Advisor's seeded
    mistakes are a gate of their own, as those of the service are.
    """
    processes = 1 if "RUBI_TEST_DATABASE_URL" in os.environ else min(4, (os.cpu_count() or 1) + 1)
    spread = [] if processes == 1 else ["-n", str(processes), "--dist", "loadfile"]
    return ["--ignore", "tests/ea/test_mutants.py", *spread]


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which one; all names when left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")] = False,
) -> None:
    """Measure something, beside a bare server in the same run; what else is said goes to the benchmark."""
    known = benchmarks()
    if name is None:
        for each, path in known.items():
            print(f"{each:<20} {(ast.get_docstring(ast.parse(path.read_text())) or '').partition(chr(10))[0]}")
        return
    if name not in known:
        raise CommandError(f"there is no benchmark {name}; there are: {', '.join(known) or 'none'}")
    os.chdir(PROJECT_ROOT)
    sys.stdout.flush()
    module = f"tests.benchmarks.{known[name].stem}"
    more = [*context.args, *(["--json"] if json else [])]
    os.execv(sys.executable, [sys.executable, "-m", module, *more])  # noqa: S606


def benchmarks() -> dict[str, Path]:
    """What can be measured: the modules with a `main`; the others help them."""
    found = {}
    for path in sorted(BENCHMARKS.glob("[a-z]*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if any(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == "main" for each in body):
            found[path.stem.replace("_", "-")] = path
    return found


def lock(
    upgrade: bool = typer.Option(
        False, "--upgrade", help="Take the newest versions instead of keeping the locked ones."
    ),
) -> None:
    """Write requirements*.txt anew from requirements*.in, with hashes, for every platform and Python from 3.11 on."""
    settings = {**os.environ, **uv_settings(Path(sys.executable))}
    environment = {name: value for name, value in settings.items() if name not in MACHINE_ONLY}
    for name in SETS:
        command = [sys.executable, "-m", "uv", "pip", "compile", f"{name}.in", "-o", f"{name}.txt", "--quiet"]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
        if upgrade:
            command.append("--upgrade")
        if subprocess.run(command, cwd=PROJECT_ROOT, env=environment, check=False).returncode != 0:  # noqa: S603
            raise typer.Exit(1)
        print(f"wrote {name}.txt")


def sbom(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; stdout when left out.")] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="The embedded servers' and the developers' packages too.")
    ] = False,
) -> None:
    """List what the service is made of, out of the locked requirements with their hashes: CycloneDX, as JSON."""
    names = SETS[:3] if everything else SETS[:1]
    # A lock says nothing of who needs whom: the library would warn of it each time.
    command = [
        sys.executable,
        "-W",
        "ignore::UserWarning",
        "-m",
        "cyclonedx_py",
        "requirements",
        "-",
        "--output-format",
        "JSON",
    ]
    command += [
        "--output-reproducible",
        "--pyproject",
        str(PROJECT_ROOT / "pyproject.toml"),
        "--mc-type",
        "application",
    ]
    command += ["--output-file", "-" if file is None else str(file)]
    locked = "\n".join((PROJECT_ROOT / f"{name}.txt").read_text() for name in names)
    done = subprocess.run(command, input=locked, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise typer.Exit(1)
