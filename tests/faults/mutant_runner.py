"""Runs tests against mutated copies of the source, each in a fork of one process that has the libraries loaded.

A request is a line of JSON on stdin: the tree and the tests. The answer is a line on stdout: pytest's exit code and
where its output stands. Nothing of the project is imported before the fork.
"""

import importlib
import json
import os
import sys
import traceback
import warnings
from pathlib import Path

LIBRARIES = (
    "argon2", "asyncpg", "celery", "cryptography.hazmat.primitives.ciphers.aead", "fastapi", "httpx",
    "hypothesis.stateful", "jwt", "msgspec", "passlib.hash", "prometheus_client", "pydantic_settings", "pytest",
    "pytest_asyncio", "redis.asyncio", "sentry_sdk", "structlog", "uvicorn",
)  # fmt: skip


def run(tree: Path, tests: list[str], output: Path) -> int:
    """Run tests inside a tree; pytest's exit code (1: a test failed)."""
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(tree)
    code = 70
    try:
        import pytest

        code = pytest.main(
            ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", ".", *tests]
        )
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LIBRARIES:
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # what is missing here is loaded, or missed, where it is needed
    for line in sys.stdin:
        asked = json.loads(line)
        code = run(Path(asked["tree"]), asked["tests"], Path(asked["output"]))
        print(json.dumps({"code": code}), flush=True)


if __name__ == "__main__":
    main()
