"""The scripts that the manifests start Redis and make the database with, carried out on real servers."""

import asyncio
import os
import subprocess
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import redis
import yaml
from tests.operations.manifests import named

from rubi.embedded import loopback, process
from rubi.embedded.binaries import redis_binary
from rubi.embedded.places import PROJECT_ROOT
from rubi.store.migrations import migrate

PASSWORD = "redis-of-a-test-0123456789-_abc"
numbers = count(1)


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def of_compose() -> str:
    compose = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())
    return compose["services"]["redis"]["command"][2].replace("$$", "$")


def of_kubernetes() -> str:
    (container,) = named("prod", "StatefulSet", "rubi-redis")["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["sh", "-ec"]
    return container["args"][0]


@contextmanager
def redis_by(script: str, folder: Path, port: int):
    (folder / "bin").mkdir()
    (folder / "bin" / "redis-server").symlink_to(redis_binary())
    (folder / "redis_password").write_text(f"{PASSWORD}\n")
    (folder / "data").mkdir()
    for secret in ("/run/secrets/rubi/redis_password", "/run/secrets/redis_password"):
        script = script.replace(secret, str(folder / "redis_password"))
    script = script.replace("dir /data", f"dir {folder / 'data'}\nport {port}\nbind 127.0.0.1")
    env = {"PATH": f"{folder / 'bin'}:{os.defpath}"}
    server = process.spawn(["sh", "-ec", script], log=subprocess.DEVNULL, env=env)
    try:
        yield server
    finally:
        process.stop(server)


@pytest.mark.parametrize("script_of", [of_compose, of_kubernetes])
async def test_redis_asks_for_its_password_keeps_a_log_and_shows_no_secret(script_of, tmp_path):
    port = loopback.free_port()
    with redis_by(script_of(), tmp_path, port) as server, redis.Redis(port=port, password=PASSWORD) as client:
        for _ in range(200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                await asyncio.sleep(0.05)
        assert client.info("persistence")["aof_enabled"] == 1
        assert client.info("memory")["maxmemory_policy"] == "noeviction"
        with redis.Redis(port=port) as nobody, pytest.raises(redis.AuthenticationError):
            nobody.ping()
        line = command_line(server.pid)
        assert b"redis-server" in line
        assert PASSWORD.encode() not in line


async def test_the_services_role_is_no_superuser_and_can_bring_its_database_forward(cluster, tmp_path):
    if cluster.server is None:
        pytest.skip("the tester's own server")
    user, database = f"rubi_role_{os.getpid()}_{next(numbers)}", f"rubi_made_{os.getpid()}"
    (tmp_path / "password").write_text("of-a-role")
    environment = {
        "PATH": f"{cluster.server._binaries()}:{os.defpath}",
        "PGHOST": "127.0.0.1", "PGPORT": str(cluster.server.port), "PGPASSWORD": cluster.server.superuser_password,
        "POSTGRES_USER": "postgres", "RUBI_PASSWORD_FILE": str(tmp_path / "password"),
        "RUBI_USER": user, "RUBI_DATABASE": database,
    }  # fmt: skip
    script = PROJECT_ROOT / "k8s" / "components" / "timescaledb" / "service-role.sh"
    done = run([str(script)], environment)
    try:
        assert done.returncode == 0, done.stderr
        dsn = f"postgresql://{user}:of-a-role@127.0.0.1:{cluster.server.port}/{database}"
        assert await migrate(dsn)
        conn = await asyncpg.connect(dsn)
        may = await conn.fetchrow(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        await conn.close()
        assert not any(may)
    finally:
        await cluster.drop(database)
        await cluster._execute(f'DROP ROLE IF EXISTS "{user}"')


async def test_grafanas_role_reads_what_its_panels_name_and_nothing_else(cluster, new_database, template, tmp_path):
    if cluster.server is None:
        pytest.skip("the tester's own server")
    dsn = await new_database(template)
    environment = {
        "PATH": f"{cluster.server._binaries()}:{os.defpath}", "RUBI_READER_PASSWORD": "of-a-reader",
        "PGHOST": "127.0.0.1", "PGPORT": str(cluster.server.port), "PGPASSWORD": cluster.server.superuser_password,
    }  # fmt: skip
    database = dsn.rpartition("/")[2]
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]
    script = PROJECT_ROOT / "monitoring" / "grafana" / "reader.sql"
    for _ in range(2):  # again at every start
        done = run([*command, "-f", str(script)], environment)
        assert done.returncode == 0, done.stderr
    conn = await asyncpg.connect(f"postgresql://rubi_reader:of-a-reader@127.0.0.1:{cluster.server.port}/{database}")
    assert await conn.fetch("SELECT * FROM trading_orders") == []
    for refused in ("SELECT * FROM users", "SELECT * FROM tokens", "DELETE FROM deals"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await conn.execute(refused)
    await conn.close()


@pytest.mark.parametrize("service", ["grafana", "reader"])
def test_an_empty_password_stops_the_start(service, tmp_path):
    compose = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())
    script = compose["services"][service]["entrypoint"][2].replace("$$", "$")
    (tmp_path / "grafana_password").write_text("\n")
    script = script.replace("/run/secrets/", f"{tmp_path}/")
    done = run(["sh", "-ec", script], {"PATH": os.defpath})
    assert done.returncode == 1
    assert "is empty: set it in .env" in done.stderr


def test_every_secret_that_a_service_of_compose_reads_is_mounted_and_in_the_example():
    compose = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())
    example = (PROJECT_ROOT / "compose.env.example").read_text()
    configured = {"alertmanager": "alertmanager/alertmanager.yml", "prometheus": "prometheus/prometheus.yml"}
    for name, service in compose["services"].items():
        text = yaml.safe_dump(service)
        if name in configured:
            text += (PROJECT_ROOT / "monitoring" / configured[name]).read_text()
        wanted = {each for each in compose["secrets"] if f"/run/secrets/{each}" in text}
        assert wanted == set(compose["services"][name].get("secrets", ())), name
    for secret in compose["secrets"].values():
        assert f"\n{secret['environment']}=" in f"\n{example}"
