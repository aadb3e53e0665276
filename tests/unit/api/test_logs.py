import json
import logging
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, sys
from pathlib import Path
from types import SimpleNamespace
import structlog
from rubi.observability import configure_logging

settings = SimpleNamespace(log_level="INFO", log_file=Path(sys.argv[1]), sentry_dsn=None)
configure_logging(settings, process="api", version="1.2.3")
log = structlog.get_logger("house")
structlog.contextvars.bind_contextvars(request_id="r-1", user_id=7)
log.debug("unheard")
log.info("order.queued", order_id=17, password="canary-1")
log.warning("redis.away", url="redis://:canary-2@127.0.0.1/0")
logging.getLogger("uvicorn.error").info("Started server process [%d]", 17)
logging.getLogger("uvicorn.access").info("GET /?token=canary-3")
try:
    local = "canary-4"
    raise ValueError("Authorization: Bearer canary-55555")
except ValueError:
    log.exception("house.fell")
"""


def test_lines_are_json_with_ecs_names_levels_and_no_secrets(tmp_path):
    file = tmp_path / "logs" / "rubi.log"
    source = Path(__file__).parents[3] / "python-api"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)], capture_output=True, text=True, check=True, cwd=source, timeout=60
    )
    assert file.read_text() == done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines] == [
        "order.queued",
        "redis.away",
        "Started server process [17]",
        "house.fell",
    ]
    first, _, library, error = lines
    assert first["http.request.id"] == "r-1"
    assert first["user.id"] == 7
    assert first["order_id"] == 17
    assert first["process.name"] == "api"
    assert first["@timestamp"].endswith("Z")
    assert library["log.logger"] == "uvicorn.error"
    assert [line for line in done.stdout.splitlines() if "ERROR" in line] == [done.stdout.splitlines()[-1]]
    assert error["error.stack_trace"][0]["exc_type"] == "ValueError"
    assert "canary" not in done.stdout
    assert done.stderr == ""


def test_two_processes_may_rotate_one_file(tmp_path):
    from rubi.observability.logs import _SharedFile

    def line(text):
        return logging.LogRecord("n", logging.INFO, "p", 1, text, None, None)

    path = tmp_path / "shared.log"
    one = _SharedFile(path, maxBytes=60, backupCount=2)
    two = _SharedFile(path, maxBytes=60, backupCount=2)
    try:
        two.emit(line("two 0"))
        for number in range(12):
            one.emit(line(f"one {number:02}"))
        two.emit(line("two last"))
        assert "two last" in path.read_text()
    finally:
        one.close()
        two.close()
