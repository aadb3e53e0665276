"""The folders of running stacks: claimed by one, recovered after a kill, secrets made once."""

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from rubi.embedded import process
from rubi.embedded.instance import InstanceTakenError, claim, instances
from rubi.embedded.places import SOURCE_ROOT
from rubi.embedded.secret_file import Secrets, load_or_make


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RUBI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_two_of_a_kind_get_folders_of_their_own(home):
    first, second = claim("demo", next_free=True), claim("demo", next_free=True)
    assert (first.name, second.name) == ("demo", "demo-2")
    first.release()
    third = claim("demo", next_free=True)
    assert third.name == "demo"
    assert stat.S_IMODE(home.stat().st_mode) == stat.S_IMODE(third.folder.stat().st_mode) == 0o700
    second.release()
    third.release()


def test_a_second_up_is_told_where_the_first_one_is():
    first = claim("up")
    first.say(pid=4711, url="http://127.0.0.1:8123")
    with pytest.raises(InstanceTakenError, match=r"4711.*http://127\.0\.0\.1:8123"):
        claim("up")
    first.release()


def test_the_claim_of_a_killed_supervisor_is_free_and_its_children_are_ended(home):
    script = (
        "import signal, sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from rubi.embedded.instance import claim\n"
        "import subprocess\n"
        "held = claim('up')\n"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "held.started('api', child.pid)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script, SOURCE_ROOT], stdout=subprocess.PIPE)
    child = int(supervisor.stdout.readline())
    known = process.record("api", child)
    supervisor.kill()
    supervisor.communicate()
    assert process.alive(known)
    (seen,) = instances()
    assert (seen.name, seen.running, [each.pid for each in seen.processes]) == ("up", False, [child])
    claim("up").release()
    assert not process.alive(known)


def test_a_stranger_with_a_recycled_pid_is_left_alone(home):
    stranger = subprocess.Popen(["sleep", "60"])
    (home / "up").mkdir(parents=True)
    record = {"name": "api", "pid": stranger.pid, "born": "12345"}
    (home / "up" / "processes.json").write_text(json.dumps([record]))
    claim("up").release()
    assert stranger.poll() is None
    stranger.send_signal(signal.SIGKILL)
    stranger.wait()


@pytest.mark.parametrize("torn", ["", "{", '[{"name": 1}]', '[{"name": "who", "pid": 1, "born": "1"}]'])
def test_a_torn_list_of_children_does_not_hinder_the_start(home, torn):
    (home / "up").mkdir(parents=True)
    (home / "up" / "processes.json").write_text(torn)
    claim("up").release()


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path):
    path = tmp_path / "secrets.json"
    made = load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make(path) == made
    names = [name for name in Secrets.__slots__ if not name.startswith("jwt_secret_previous")]  # none before a rotation
    assert len({getattr(made, name) for name in names}) == len(names)
    assert all(len(getattr(made, name)) >= 64 for name in names)
    assert made.jwt_secret not in repr(made)


def test_a_secret_a_newer_version_needs_is_added_and_the_others_stay(tmp_path):
    path = tmp_path / "secrets.json"
    made = load_or_make(path)
    kept = json.loads(path.read_text())
    del kept["redis_password"]
    path.write_text(json.dumps(kept))
    again = load_or_make(path)
    assert again.jwt_secret == made.jwt_secret
    assert again.redis_password != made.redis_password
    assert load_or_make(path) == again


def test_secrets_that_others_could_read_are_closed_again(tmp_path):
    path = tmp_path / "secrets.json"
    load_or_make(path)
    path.chmod(0o644)
    load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == os.geteuid()
