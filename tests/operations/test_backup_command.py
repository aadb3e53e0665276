"""`./rubi backup` and `./rubi restore`, as a person types them on the machine itself."""

import os
import subprocess
import sys

import httpx
from tests.conftest import start_stack

from rubi.embedded.places import SOURCE_ROOT


def rubi(home, *arguments, **environment):
    env = os.environ | {
        "PYTHONPATH": str(SOURCE_ROOT), "RUBI_HOME": str(home), "DATABASE_URL": "", "REDIS_URL": "", **environment,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "rubi", *map(str, arguments)], env=env, capture_output=True, text=True, check=False
    )


async def test_a_backup_of_the_running_service_is_restored_into_the_stopped_one(tmp_path, new_user):
    home, file = tmp_path / "home", tmp_path / "a.backup"
    home.mkdir()
    with start_stack(home) as running:
        person = await new_user(running.url)
        token = await person.token("trade")
        done = rubi(home, "backup", file)
        assert done.returncode == 0, done.stderr
        assert "restored once and compared: equal" in done.stdout
        await new_user(running.url)
        refused = rubi(home, "restore", file)
        assert refused.returncode == 1
        assert "it runs already" in refused.stderr

    refused = rubi(home, "restore", file)
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    done = rubi(home, "restore", file, "--replace")
    assert done.returncode == 0, done.stderr
    assert "TRADING IS HALTED" in done.stdout
    assert "1 users" in done.stdout
    assert "is kept as the database rubi_trading_until_" in done.stderr
    with start_stack(home) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=20) as client:
            old = await client.get("/api/v1/accounts", headers={"Authorization": f"Bearer {token}"})
            assert old.status_code == 401
            told = {"username": person.username, "password": person.password}
            assert (await client.post("/api/v1/auth/login", json=told)).status_code == 200
    stopped = rubi(home, "backup", tmp_path / "b.backup", "--no-verify")
    assert stopped.returncode == 0, stopped.stderr
    assert "not verified" in stopped.stdout


def test_without_a_database_the_cure_is_said(tmp_path):
    done = rubi(tmp_path, "backup", tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr.strip() == "rubi: there is no instance up in this clone, and DATABASE_URL is not set"
