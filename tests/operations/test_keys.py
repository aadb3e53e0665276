"""Another signing secret, and what the old one signed; the list of what the service is made of."""

import json
import stat
from datetime import UTC, datetime, timedelta

from tests.conftest import start_stack
from tests.operations.test_backup_command import rubi

from rubi.embedded.places import PROJECT_ROOT
from rubi.embedded.secret_file import load_or_make, rotate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_old_secret_is_kept_until_its_end_and_no_longer(tmp_path):
    path = tmp_path / "secrets.json"
    before = load_or_make(path)
    assert before.previous(NOW) == ""
    after = rotate(path, keep_until=NOW + timedelta(days=30))
    assert load_or_make(path) == after
    assert after.jwt_secret != before.jwt_secret
    assert after.postgres_password == before.postgres_password
    assert after.previous(NOW + timedelta(days=29)) == before.jwt_secret
    assert after.previous(NOW + timedelta(days=30)) == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_leaked_secret_is_forgotten_at_once(tmp_path):
    path = tmp_path / "secrets.json"
    leaked = rotate(path, keep_until=NOW + timedelta(days=30))
    after = rotate(path, keep_until=None)
    assert after.previous(NOW) == ""
    assert leaked.jwt_secret not in path.read_text()
    assert leaked.jwt_secret_previous not in path.read_text()


def test_a_file_of_an_older_version_is_completed(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"jwt_secret": "x" * 40, "redis_password": "y"}))
    path.chmod(0o600)
    kept = load_or_make(path)
    assert (kept.jwt_secret, kept.redis_password, kept.jwt_secret_previous) == ("x" * 40, "y", "")


async def test_tokens_outlive_a_rotation_and_end_with_a_leak(tmp_path, new_user):
    async def asked(url, token):
        answer = await person.client.get(f"{url}/api/v1/accounts", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code

    with start_stack(tmp_path) as running:
        person = await new_user(running.url)
        token = await person.token("trade")
        refused = rubi(tmp_path, "rotate-keys")
        assert refused.returncode == 1
        assert "it runs already" in refused.stderr
    done = rubi(tmp_path, "rotate-keys", "--keep-days", 7)
    assert done.returncode == 0, done.stderr
    with start_stack(tmp_path) as running:
        assert await asked(running.url, token) == 200
        told = {"username": person.username, "password": person.password}
        fresh = (await person.client.post(f"{running.url}/api/v1/auth/login", json=told)).json()["access_token"]
        assert fresh.partition(".")[0] != token.partition(".")[0], "signed by another secret"
    assert rubi(tmp_path, "rotate-keys", "--leaked").returncode == 0
    with start_stack(tmp_path) as running:
        assert await asked(running.url, token) == 401
        assert await asked(running.url, fresh) == 401


def test_with_a_secret_of_ones_own_it_is_said_what_to_set(tmp_path):
    done = rubi(tmp_path, "rotate-keys", JWT_SECRET="own-secret-0123456789-abcdefghijklmnop")
    assert done.returncode == 0, done.stderr
    assert "JWT_SECRET_PREVIOUS=          (what JWT_SECRET is now)" in done.stdout
    assert "own-secret" not in done.stdout


def test_the_bill_of_materials_lists_every_locked_package_with_its_hashes(tmp_path):
    done = rubi(tmp_path, "sbom", tmp_path / "sbom.json")
    assert done.returncode == 0, done.stderr
    listed = json.loads((tmp_path / "sbom.json").read_text())
    assert listed["bomFormat"] == "CycloneDX"
    assert listed["metadata"]["component"]["name"] == "rubi-studio"
    components = {(each["name"].lower(), each["version"]) for each in listed["components"]}
    lock = (PROJECT_ROOT / "requirements.txt").read_text()
    locked = {tuple(line.split(" ")[0].split("==")) for line in lock.splitlines() if "==" in line}
    assert components == locked
    assert len(locked) > 40
    assert all(each["purl"].startswith("pkg:pypi/") for each in listed["components"])
    assert all(reference["hashes"] for each in listed["components"] for reference in each["externalReferences"])
