"""Run the commands of an image, unpacked at ROOT, as they run in production.

    .venv/bin/python tests/operations/run_image.py ROOT

As the user that the Dockerfile names, with a root that cannot be written and a small /tmp, against a real PostgreSQL
and Redis: migrate, then the API until /health/ready answers 200, with a worker and a beat alive. Needs root (Linux).
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python-api"))

from rubi.embedded.loopback import free_port  # noqa: E402 - the source root is known only now
from rubi.embedded.postgres import EmbeddedPostgres  # noqa: E402
from rubi.embedded.redis import EmbeddedRedis  # noqa: E402

PASSWORD = "only-for-this-check"
USER = "10001"
# A namespace of mounts for each: the root read-only, /tmp in memory, as read_only and tmpfs say it in compose.yaml.
ENTER = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$1/tmp"
mount -t proc proc "$1/proc"
for device in null zero random urandom; do
    touch "$1/dev/$device" && mount --bind "/dev/$device" "$1/dev/$device"
done
mkdir -p "$1/run/secrets" && mount --bind "$2" "$1/run/secrets"
mount -o remount,ro,bind "$1"
root=$1 user=$3
shift 3
exec /usr/sbin/chroot --userspec="$user:$user" "$root" "$@"
"""


def main() -> int:
    """Run everything; return the exit code."""
    root = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="rubi-image-") as name, ExitStack() as stack:
        folder = Path(name)
        settings = servers(folder, stack)
        port = free_port()

        def run(*command: str, **more: str) -> "subprocess.Popen[str]":
            return started(root, folder, settings | {"API_PORT": str(port), "API_HOST": "127.0.0.1"} | more, command)

        ended = run("/app/scripts/entrypoint.sh", "migrate")
        said, _ = ended.communicate(timeout=120)
        check("migrate", ended.returncode == 0 and "applied 0001" in said, said)
        tried = run("/bin/sh", "-c", "id -u; touch /app/x 2>&1; touch /x 2>&1; touch /tmp/x && echo tmp can be written")
        said, _ = tried.communicate(timeout=30)
        check("user", said.startswith(f"{USER}\n"), said)
        check("root", said.count("Read-only file system") == 2 and "tmp can be written" in said, said)
        doctor = run("/app/scripts/entrypoint.sh", "doctor")
        said, _ = doctor.communicate(timeout=60)
        check("doctor", "Traceback" not in said and "migrations" in said, said)
        for command in ("api", "worker", "beat"):
            stack.enter_context(running(run("/app/scripts/entrypoint.sh", command)))
        answer = wait_ready(f"http://127.0.0.1:{port}")
        check("api", answer.json()["status"] == "healthy", answer.text)
        print(f"run_image: {answer.json()}")
    print("run_image: migrate, api, worker, beat and doctor run as another user on a root that cannot be written")
    return 0


def servers(folder: Path, stack: ExitStack) -> dict[str, str]:
    """A real PostgreSQL and Redis; their addresses as files, as a container finds them."""
    postgres = EmbeddedPostgres(folder / "home", folder / "postgres.log", PASSWORD, PASSWORD)
    redis = EmbeddedRedis(folder / "redis", folder / "redis.log", PASSWORD)
    stack.callback(postgres.stop)
    stack.callback(redis.stop)
    secrets = folder / "secrets"
    secrets.mkdir()
    values = {
        "database_url": postgres.start(), "redis_url": redis.start(),
        "jwt_secret": os.urandom(32).hex(), "metrics_token": os.urandom(16).hex(),
    }  # fmt: skip
    for name, value in values.items():
        (secrets / name).write_text(value)
    folder.chmod(0o711)
    return {f"{name.upper()}_FILE": f"/run/secrets/{name}" for name in values}


def started(root: Path, folder: Path, settings: dict[str, str], command: tuple[str, ...]) -> "subprocess.Popen[str]":
    """One command of the image, with the environment that the Dockerfile gives it."""
    environment = dict(
        line.strip().removesuffix("\\").strip().removeprefix("ENV ").split("=", 1)
        for line in (ROOT / "Dockerfile").read_text().partition("\nENV ")[2].partition("\nEXPOSE")[0].splitlines()
    )
    return subprocess.Popen(
        ["unshare", "--mount", "--", "sh", "-c", ENTER, "sh", str(root), str(folder / "secrets"), USER, *command],
        env={"PATH": os.defpath} | environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(process: "subprocess.Popen[str]") -> Iterator[None]:
    """End it, gently; what it said is shown when it had ended by itself."""
    try:
        yield
        check(f"{process.args[-1]} still runs", process.poll() is None, "")
    finally:
        process.terminate()
        try:
            said, _ = process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        if process.returncode not in (0, -15):
            print(said[-3000:], file=sys.stderr)


def wait_ready(url: str, patience: float = 90.0) -> httpx.Response:
    """The first answer of 200, once a worker is alive."""
    deadline = time.monotonic() + patience
    while True:
        try:
            answer = httpx.get(f"{url}/health/ready", trust_env=False, timeout=5)
            if answer.status_code == 200 and "1 alive" in answer.text:
                return answer
        except httpx.HTTPError:
            answer = None
        if time.monotonic() > deadline:
            raise SystemExit(f"run_image: not ready: {answer and answer.text}")
        time.sleep(0.3)


def check(name: str, held: bool, said: str) -> None:
    """End the program where something does not hold."""
    if not held:
        raise SystemExit(f"run_image: {name}: {said[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
