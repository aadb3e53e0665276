"""The servers out of wheels: durable, private, able to come back after a kill."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
import redis

from rubi.embedded import loopback, process
from rubi.embedded.postgres import EmbeddedPostgres
from rubi.embedded.redis import EmbeddedRedis

SMALL = {"shared_buffers": "16MB"}


def make_postgres(folder: Path, **more) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        folder / "postgres",
        log=folder / "postgres.log",
        superuser_password="super",
        password="owner",
        settings=SMALL,
        **more,
    )


@pytest.fixture
def closed_folder(tmp_path) -> Path:
    """A folder nobody but its owner may enter, with a space in its name."""
    folder = tmp_path / "my trading"
    folder.mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    return folder


@pytest.fixture
def postgres(closed_folder):
    server = make_postgres(closed_folder)
    server.start()
    yield server
    server.stop()


async def test_postgres_is_durable_loopback_only_and_asks_for_a_password(postgres):
    conn = await asyncpg.connect(postgres.url())
    try:
        assert await conn.fetchval("SHOW fsync") == "on"
        assert await conn.fetchval("SHOW synchronous_commit") == "on"
        assert await conn.fetchval("SHOW listen_addresses") == "127.0.0.1"
        assert not await conn.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    finally:
        await conn.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url().replace("owner", "wrong"))


def test_no_folder_is_opened_for_the_server(postgres, closed_folder):
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(closed_folder.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up its rights")
def test_as_root_the_server_runs_as_nobody(postgres):
    assert Path(f"/proc/{postgres.process.pid}").stat().st_uid == postgres.data.stat().st_uid != 0


async def test_what_was_committed_is_there_after_a_kill(postgres):
    conn = await asyncpg.connect(postgres.url())
    await conn.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
    os.killpg(postgres.process.pid, signal.SIGKILL)
    postgres.process.wait()
    conn.terminate()
    assert (postgres.data / "postmaster.pid").exists()
    postgres.start()
    conn = await asyncpg.connect(postgres.url())
    assert await conn.fetchval("SELECT id FROM kept") == 7
    await conn.close()


def test_a_lock_file_that_names_a_foreign_process_does_not_hinder_the_start(postgres):
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n/proc/self/cwd\n1\n1\n\n127.0.0.1\n 1 1\nready\n")
    postgres.start()
    assert postgres.psql("-Atc", "SELECT 1").strip() == "1"


def test_a_server_that_outlived_its_supervisor_is_ended_first(postgres, closed_folder):
    orphan = postgres.process
    again = make_postgres(closed_folder)
    again.start()
    try:
        assert orphan.wait(5) is not None
        assert again.psql("-Atc", "SELECT 1").strip() == "1"
    finally:
        again.stop()


def test_an_initdb_that_was_killed_is_begun_again(closed_folder):
    server = make_postgres(closed_folder)
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("18")
    (server.home / "initialising").touch()
    server.start()
    server.stop()
    assert not (server.home / "initialising").exists()


def test_a_taken_port_is_passed_over(closed_folder, postgres):
    (closed_folder / "second").mkdir()
    other = make_postgres(closed_folder / "second", preferred_port=postgres.port)
    other.start()
    other.stop()
    assert other.port != postgres.port
    assert 20000 <= other.port < 32768


@pytest.fixture
def cache(closed_folder):
    server = EmbeddedRedis(closed_folder / "redis", log=closed_folder / "redis.log", password="secret")
    server.start()
    yield server
    server.stop()


def test_redis_keeps_what_it_was_told_after_a_stop(cache):
    client = redis.Redis.from_url(cache.url())
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    client.set("kept", "7")
    client.close()
    cache.stop()
    cache.start()
    client = redis.Redis.from_url(cache.url())
    assert client.get("kept") == b"7"
    client.close()


def test_redis_asks_for_a_password_and_shows_it_to_nobody(cache):
    client = redis.Redis(port=cache.port)
    with pytest.raises(redis.AuthenticationError):
        client.ping()
    client.close()
    assert b"secret" not in Path(f"/proc/{cache.process.pid}/cmdline").read_bytes()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's request is Linux's")
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from rubi.embedded.process import spawn\n"
        "print(spawn(['sleep', '60'], log=None).pid, flush=True)\n"
        "input()"
    )
    root = Path(process.__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", script, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    known = process.record("sleep", child)
    parent.kill()
    parent.communicate()
    for _attempt in range(100):
        if not process.alive(known):
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail("the child still lives")


def test_a_recycled_pid_is_not_taken_for_our_child():
    mine = process.record("test", os.getpid())
    assert process.alive(mine)
    assert not process.alive(process.Record("test", os.getpid(), "1"))
    assert process.end_recorded([process.Record("test", os.getpid(), "1")]) == []


def test_ports_lie_below_those_of_outgoing_connections():
    assert all(loopback.FIRST <= loopback.free_port() < 32768 for _ in range(20))
