"""The image's commands, started by its own entry point; outside a container, against real servers."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx

from rubi.embedded.loopback import free_port
from rubi.embedded.places import PROJECT_ROOT, SOURCE_ROOT

ENTRYPOINT = PROJECT_ROOT / "scripts" / "entrypoint.sh"
SECRETS = {"jwt_secret": "entry-point-of-a-test-0123456789-abcdefgh", "metrics_token": "metrics-of-a-test-0123456789"}


def environment(folder, **secrets) -> dict[str, str]:
    """What a container has: programs, and secrets as files."""
    found = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "PYTHONPATH": str(SOURCE_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
        "LOG_FILE": "/dev/null",
        "API_HOST": "127.0.0.1",
    }
    for name, value in {**SECRETS, **secrets}.items():
        (folder / name).write_text(f"{value}\n")
        found[f"{name.upper()}_FILE"] = str(folder / name)
    return found


def run(command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENTRYPOINT), command], env=env, capture_output=True, text=True, check=False, timeout=90, cwd="/"
    )


@contextmanager
def running(command: str, env: dict[str, str]):
    process = subprocess.Popen([str(ENTRYPOINT), command], env=env, cwd="/", stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(url: str, process, path: str = "/health/ready", patience: float = 60.0) -> httpx.Response:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = httpx.get(f"{url}{path}", trust_env=False, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.1)
            continue
        if answer.status_code == 200:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not ready; ended with {process.poll()}")


async def test_the_migrate_job_finds_its_database_in_a_file(new_database, tmp_path):
    dsn = await new_database()
    done = run("migrate", environment(tmp_path, database_url=dsn))
    assert done.returncode == 0, done.stderr
    assert "applied 0001" in done.stdout
    conn = await asyncpg.connect(dsn)
    assert await conn.fetchval("SELECT count(*) FROM schema_migrations") > 2
    await conn.close()


def test_the_api_gets_ready_by_files_alone_and_ends_at_sigterm(tmp_path, redis_url, dsn):
    port = free_port()
    env = environment(tmp_path, database_url=dsn, redis_url=redis_url) | {
        "API_PORT": str(port),
        "FORWARDED_ALLOW_IPS": "127.0.0.0/8",
    }
    with running("api", env) as process:
        url = f"http://127.0.0.1:{port}"
        assert "strict-transport-security" not in ready(url, process).headers
        proxied = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        behind = httpx.get(f"{url}/health/ready", headers=proxied, trust_env=False)
        assert "max-age" in behind.headers["strict-transport-security"]
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert process.returncode in (0, -15)
    assert "entry-point-of-a-test" not in said
