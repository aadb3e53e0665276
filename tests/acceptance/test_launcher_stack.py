"""What `up` and `demo` promise: ready when they say so, nothing left behind, back after a kill."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from rubi.embedded.places import PROJECT_ROOT, SOURCE_ROOT
from rubi.embedded.process import alive, read_records


def rubi(folder: Path, *arguments: str, **environment: str):
    """Run a command of the launcher, with instances in `folder`."""
    env = os.environ | {
        "PYTHONPATH": str(SOURCE_ROOT),
        "RUBI_HOME": str(folder),
        "LOG_FILE": str(folder / "rubi-studio.log"),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        **environment,
    }
    command = [sys.executable, "-m", "rubi", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def gone_within(seconds: float, records) -> bool:
    deadline = time.monotonic() + seconds
    while any(alive(each) for each in records):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def answers_within(seconds: float, url: str) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return False


def me(url: str, token: str) -> httpx.Response:
    return httpx.get(f"{url}/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False)


def test_users_and_tokens_of_the_command_line_are_those_of_the_service(stack):
    created = rubi(stack.home, "user", "create", "at-the-machine", "--json")
    assert created.returncode == 0, created.stderr
    user = json.loads(created.stdout)
    login = {"username": "at-the-machine", "password": user["password"]}
    assert httpx.post(f"{stack.url}/api/v1/auth/login", json=login, trust_env=False).status_code == 200
    for scope in ("ea", "trade", "read"):
        made = rubi(stack.home, "token", "create", "--user", "at-the-machine", "--scope", scope, "--json")
        assert made.returncode == 0, made.stderr
        token = json.loads(made.stdout)
        assert token["scope"] == scope
        assert me(stack.url, token["token"]).json()["username"] == "at-the-machine"
    greeting = {"account_number": "40400", "broker": "IC Markets", "balance": 1, "equity": 1, "currency": "USD"}
    bound = rubi(stack.home, "token", "create", "--user", "at-the-machine", "--scope", "ea", "--account", "40400")
    assert (bound.returncode, bound.stderr.splitlines()[0]) == (1, "rubi: you have no account 40400")
    unbound = rubi(stack.home, "token", "create", "--user", "at-the-machine", "--scope", "ea", "--json")
    owner = {"Authorization": f"Bearer {json.loads(unbound.stdout)['token']}"}
    said = httpx.post(f"{stack.url}/api/v1/mt5/connect", json=greeting, headers=owner, trust_env=False).json()
    for account in ("40400", said["account_id"]):
        asked = ("--user", "at-the-machine", "--scope", "ea", "--account", account, "--json")
        made = json.loads(rubi(stack.home, "token", "create", *asked).stdout)
        assert made["account"] == said["account_id"]
        assert me(stack.url, made["token"]).json()["account_id"] == said["account_id"]
    again = rubi(stack.home, "user", "create", "at-the-machine")
    assert again.returncode == 1
    assert "taken" in again.stderr
    nobody = rubi(stack.home, "token", "create", "--user", "nobody-here", "--scope", "ea")
    assert nobody.returncode == 1
    assert nobody.stderr == "rubi: there is no user nobody-here: ./rubi user create nobody-here\n"


def test_status_tells_what_runs(stack):
    (seen,) = json.loads(rubi(stack.home, "status", "--json").stdout)["instances"]
    assert (seen["name"], seen["running"], seen["url"], seen["health"]) == ("up", True, stack.url, "ready")
    assert {each["name"] for each in seen["processes"]} == {"postgres", "redis", "api", "worker", "beat"}
    assert seen["orders_pending"] >= 0
    assert stack.url in rubi(stack.home, "status").stdout


def test_the_doctor_finds_the_running_stack_in_order(stack):
    done = rubi(stack.home, "doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, findings
    assert findings["migrations"]["seen"] == "up to date"
    assert findings["secrets"]["ok"]


def test_a_second_up_says_where_the_first_one_is(stack):
    done = rubi(stack.home, "up")
    assert done.returncode == 1
    assert stack.url in done.stderr


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = rubi(tmp_path, "up", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert read_records(tmp_path / "up" / "processes.json") == []


def test_an_own_database_that_is_away_is_told_in_a_line(tmp_path):
    done = rubi(tmp_path, "migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.faults
def test_a_killed_part_comes_back_at_the_same_address(new_stack):
    with new_stack() as own:
        for name in ("api", "worker", "beat", "redis", "postgres"):
            before = own.pid(name)
            os.kill(before, signal.SIGKILL)
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                now = {each.name: each for each in read_records(own.instance / "processes.json")}.get(name)
                if now is not None and now.pid != before and alive(now):
                    break
                time.sleep(0.05)
            else:
                pytest.fail(f"{name} did not come back: {own.log(name)[-2000:]}")
        assert answers_within(15, own.url)


@pytest.mark.faults
def test_a_stop_leaves_no_process_and_a_kill_is_recovered_with_the_data(tmp_path, new_stack):
    with new_stack(tmp_path) as first:
        records = read_records(tmp_path / "up" / "processes.json")
        login = {"username": "survivor", "password": "SecurePassword123!"}
        body = {"email": "survivor@example.com", **login}
        assert httpx.post(f"{first.url}/api/v1/auth/register", json=body, trust_env=False).is_success
        first.process.kill()
        first.process.wait()
        assert gone_within(15, records) or not sys.platform.startswith("linux")
    with new_stack(tmp_path) as second:
        assert httpx.post(f"{second.url}/api/v1/auth/login", json=login, trust_env=False).status_code == 200
        records = read_records(tmp_path / "up" / "processes.json")
        assert len(records) == 5
        second.process.terminate()
        assert second.process.wait(20) == 0
        assert not any(alive(each) for each in records)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL], ids=lambda by: by.name)
def test_a_benchmark_that_is_ended_takes_its_service_along(tmp_path, by):
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(SOURCE_ROOT), str(PROJECT_ROOT))), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.decide"], env=env, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while len(records := [one for path in tmp_path.glob("*/up/processes.json") for one in read_records(path)]) < 5:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.send_signal(by)
    assert process.wait(40) == (128 + by if by is signal.SIGTERM else -by)
    assert gone_within(15, records) or not sys.platform.startswith("linux")
    if by is signal.SIGTERM:
        assert list(tmp_path.iterdir()) == []


def test_a_service_that_refuses_its_settings_is_told_by_its_log(tmp_path):
    done = rubi(tmp_path, "up", JWT_SECRET="short")
    assert done.returncode == 1
    assert "JWT_SECRET has 5 characters" in done.stderr
    assert read_records(tmp_path / "up" / "processes.json") == []


def test_a_demo_trades_and_a_second_one_beside_it_trades_apart(tmp_path):
    env = os.environ | {"PYTHONPATH": str(SOURCE_ROOT), "RUBI_HOME": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    env["LOG_FILE"] = str(tmp_path / "rubi-studio.log")

    def start(seconds):
        command = [sys.executable, "-m", "rubi", "demo", "--seconds", str(seconds), "--json"]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def figures_of(demo):
        out, errors = demo.communicate(timeout=120)
        assert demo.returncode == 0, errors
        return json.loads(out.splitlines()[-1])

    free = os.getloadavg()[0] < (os.cpu_count() or 1)
    first = start(40)
    time.sleep(20)
    second = figures_of(start(10))
    assert second["seconds"] == pytest.approx(10, abs=3)
    assert second["account_snapshots"] >= 3
    assert second["signals"] >= 1
    figures = figures_of(first)
    assert figures["seconds"] == pytest.approx(40, abs=3)
    assert figures["signals"] >= 5
    assert figures["orders_filled"] >= 3
    assert figures["signals_denied"] >= 1
    assert figures["first_fill_seconds"] <= 15 or not free  # promised of a machine that does nothing else
    promised = {"positions_seen", "account_snapshots", "deals"}
    assert all(figures[name] >= 1 for name in promised)
    assert {path.parent.name for path in tmp_path.glob("*/secrets.json")} == {"demo", "demo-2"}
