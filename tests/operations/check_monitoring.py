"""Start the service with demo load, scrape it with a real Prometheus, and evaluate every panel and every rule.

    .venv/bin/python tests/operations/check_monitoring.py [--seconds 60] [--prometheus PATH]

Fails when an expression has an error or nothing to show, or names a metric that does not exist. Needs the `prometheus`
program; nothing of Grafana.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import websockets
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python-api"))

from rubi.cli.demo_visitor import enrol  # noqa: E402 - the source root is known only now
from rubi.embedded.loopback import free_port  # noqa: E402
from rubi.embedded.postgres import DATABASE, OWNER  # noqa: E402

MONITORING = ROOT / "monitoring"
RULES = MONITORING / "prometheus" / "rules"
SCRAPE_SECONDS = 2
METRICS_TOKEN = "metrics-only-for-this-check-0123456789"
READER_PASSWORD = "only-for-this-check"


def main() -> int:
    """Run the check; return the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=60, help="how long the demo trades before it is looked at")
    options.add_argument("--prometheus", default=shutil.which("prometheus"), help="the program")
    chosen = options.parse_args()
    if chosen.prometheus is None:
        print("check_monitoring: there is no prometheus here (apt-get install prometheus)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="rubi-monitoring-") as name:
        folder = Path(name)
        with running_demo(folder) as url, running_prometheus(chosen.prometheus, folder, url) as prometheus:
            asyncio.run(make_load(url, chosen.seconds, demo_login(folder)))
            problems = [*metric_names(url), *panels(prometheus), *rules(prometheus)]
            problems += asyncio.run(sql_panels(folder))
    for problem in problems:
        print(f"FAIL {problem}")
    print(f"check_monitoring: {len(problems)} problems")
    return 1 if problems else 0


@contextlib.contextmanager
def running_demo(folder: Path) -> Iterator[str]:
    """The demo: everything, and a simulated terminal that trades."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "python-api"),
        "RUBI_HOME": str(folder / "home"),
        "LOG_FILE": str(folder / "rubi-studio.log"),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "METRICS_TOKEN": METRICS_TOKEN,
    }
    command = [sys.executable, "-m", "rubi", "demo", "--json", "--port", str(port)]
    with (folder / "demo.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: "stop it with Ctrl-C" in (folder / "demo.log").read_text(), process, 180)
            yield url
        except TimeoutError:
            print((folder / "demo.log").read_text(), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(60)


@contextlib.contextmanager
def running_prometheus(program: str, folder: Path, url: str) -> Iterator[str]:
    """Prometheus by our own configuration, with the demo in the place of its targets."""
    port = free_port()
    config = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), f"{SCRAPE_SECONDS}s")
    config["rule_files"] = [str(MONITORING / "prometheus" / pattern) for pattern in config["rule_files"]]
    # Of a demo the API tells what its worker counts; there is no Alertmanager.
    targets = {"rubi-api": [url.removeprefix("http://")], "rubi-worker": [], "prometheus": [f"127.0.0.1:{port}"]}
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": targets.pop(job["job_name"])}]
        if "authorization" in job:
            (folder / "metrics_token").write_text(METRICS_TOKEN)
            job["authorization"]["credentials_file"] = str(folder / "metrics_token")
    assert not targets, f"prometheus.yml lacks the jobs {', '.join(targets)}"
    config["alerting"]["alertmanagers"] = []
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(f"{address}/-/ready"), process, 30)
            yield address
        except TimeoutError:
            print((folder / "prometheus.log").read_text(), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(20)


def wait_until(ready: Any, process: "subprocess.Popen[bytes]", patience: float) -> None:
    """Wait for `ready()`; TimeoutError when it does not come, or the process ends."""
    deadline = time.monotonic() + patience
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"{process.args} did not become ready")
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Tell whether `url` answers 200."""
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def demo_login(folder: Path) -> dict[str, str]:
    """The user that the demo told on its screen."""
    found = re.search(r"\(user (\S+), (\S+)\)", (folder / "demo.log").read_text())
    assert found, "the demo tells no user"
    return {"username": found[1], "password": found[2]}


async def close_positions(url: str, login: dict[str, str], until: float) -> None:
    """What the demo's strategy leaves to its stops: close a position of the demo's account now and then."""
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False, timeout=20) as client:
        said = await client.post("/auth/login", json=login)
        client.headers["Authorization"] = f"Bearer {said.json()['access_token']}"
        while time.monotonic() < until:
            await asyncio.sleep(4)
            positions = (await client.get("/trading/positions")).json()["positions"]
            if len(positions) > 1:  # one stays, for the panels of what is open
                await client.post(f"/trading/positions/{positions[0]['ticket']}/close", json={})


async def make_load(url: str, seconds: float, login: dict[str, str]) -> None:
    """What a demo has not: closes, a reader on the WebSocket, repeated signals, wrong tokens, an older connector."""
    closing = asyncio.create_task(close_positions(url, login, time.monotonic() + seconds))
    await make_requests(url, seconds)
    await closing


async def make_requests(url: str, seconds: float) -> None:
    """Requests of a user of our own, for so many seconds."""
    visitor = await asyncio.to_thread(enrol, url)
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        said = await client.post(
            "/api/v1/auth/login", json={"username": visitor.username, "password": visitor.password}
        )
        client.headers["Authorization"] = f"Bearer {said.json()['access_token']}"
        account = {"account_number": "77", "broker": "Load", "balance": 1000, "equity": 1000, "currency": "EUR"}
        session = (await client.post("/api/v1/mt5/connect", json=account)).json()["session_id"]
        socket = f"{url.replace('http', 'ws', 1)}/ws/trading/live/{session}"
        async with websockets.connect(socket, proxy=None) as live:
            await live.send(json.dumps({"type": "auth", "token": said.json()["access_token"]}))
            while time.monotonic() < deadline:
                wish = {
                    "symbol": "EURUSD", "signal_type": "BUY", "entry_price": 1.1, "stop_loss": 1.095, "volume": 0.1,
                    "take_profit": 1.11, "signal_time": datetime.now(UTC).isoformat(),
                }  # fmt: skip
                for _ in range(2):
                    await client.post("/api/v1/trading/signals", json=wish)
                await client.get("/api/v1/mt5/sessions", headers={"Authorization": "Bearer nobody"})
                await client.get(f"/api/v1/mt5/account/{session}")
                await asyncio.sleep(1)


def expressions() -> list[tuple[str, str, bool]]:
    """Every expression of the Prometheus dashboard: (panel, expression, instant)."""
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    return [
        (panel["title"], target["expr"], bool(target.get("instant")))
        for panel in board["panels"]
        for target in panel.get("targets", ())
    ]


def scrape(url: str) -> str:
    """What Prometheus reads."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    return httpx.get(f"{url}/metrics", headers=headers, trust_env=False).raise_for_status().text


def metric_names(url: str) -> list[str]:
    """Metrics that dashboards or rules name and the service does not have."""
    there = set(re.findall(r"^(rubi_\w+)", scrape(url), re.MULTILINE))
    sources = {path.name: path.read_text() for path in RULES.glob("*.yml")}
    sources["grafana-dashboard.json"] = "\n".join(expression for _, expression, _ in expressions())
    recorded = set(re.findall(r"record: (\S+)", sources["recording.yml"]))
    return [
        f"{name}: nothing is called {named}"
        for name, text in sources.items()
        for named in sorted(set(re.findall(r"\brubi[_:][\w:]+", text)) - there - recorded)
    ]


def panels(prometheus: str) -> list[str]:
    """Panels with an error, or with nothing to show."""
    wrong, looked = [], 0
    for title, expression, instant in expressions():
        filled = expression.replace("$__rate_interval", f"{SCRAPE_SECONDS * 10}s").replace("$__range", "10m")
        now = time.time()
        query: dict[str, Any] = {"query": filled, "time": now}
        if not instant:
            query = {"query": filled, "start": now - 60, "end": now, "step": 5}
        said = ask(prometheus, "/api/v1/query" if instant else "/api/v1/query_range", query)
        looked += 1
        if said["status"] != "success":
            wrong.append(f"panel {title}: {said['error']}: {expression}")
        elif not any(has_number(series) for series in said["data"]["result"]):
            wrong.append(f"panel {title}: nothing to show: {expression}")
    print(f"check_monitoring: {looked} expressions of panels evaluated")
    return wrong


def has_number(series: dict[str, Any]) -> bool:
    """Tell whether a series holds a value that is a number."""
    points = series["values"] if "values" in series else [series["value"]]
    return any(not math.isnan(float(value)) for _, value in points)


def rules(prometheus: str) -> list[str]:
    """Rules that cannot be evaluated; recording rules that record nothing; alerts of a healthy service."""
    wrong, looked = [], 0
    for group in ask(prometheus, "/api/v1/rules", {})["data"]["groups"]:
        for rule in group["rules"]:
            looked += 1
            if rule["health"] != "ok":
                wrong.append(f"rule {rule['name']}: {rule['health']} {rule.get('lastError', '')}")
            elif (
                rule["type"] == "recording"
                and not ask(prometheus, "/api/v1/query", {"query": rule["name"]})["data"]["result"]
            ):
                wrong.append(f"rule {rule['name']} records nothing")
            elif rule["type"] == "alerting" and rule["state"] == "firing":
                wrong.append(f"alert {rule['name']} fires on a healthy service")
    print(f"check_monitoring: {looked} rules evaluated")
    return wrong


def ask(prometheus: str, path: str, query: dict[str, Any]) -> dict[str, Any]:
    """Ask Prometheus."""
    said: dict[str, Any] = httpx.get(f"{prometheus}{path}", params=query, trust_env=False, timeout=30).json()
    return said


async def sql_panels(folder: Path) -> list[str]:
    """SQL panels with an error or without a row, asked as the role that Grafana uses."""
    instance = next((folder / "home").glob("demo*"))
    secrets = json.loads((instance / "secrets.json").read_text())
    port = json.loads((instance / "state.json").read_text())["postgres_port"]
    address = f"127.0.0.1:{port}/{DATABASE}"
    root = await asyncpg.connect(f"postgresql://postgres:{secrets['postgres_superuser_password']}@{address}")
    script = (MONITORING / "grafana" / "reader.sql").read_text()
    await root.execute("CREATE ROLE rubi_reader LOGIN")
    await root.execute(f"SET ROLE {OWNER}")  # the grants are the owner's to make
    plain = re.sub(r"^SELECT .*\\gexec$|^--.*$|^\\getenv .*$", "", script, flags=re.MULTILINE)
    for statement in filter(None, map(str.strip, plain.split(";"))):
        as_root = statement.startswith("ALTER ROLE")
        await root.execute(f"{'RESET ROLE' if as_root else f'SET ROLE {OWNER}'}")
        await root.execute(statement.replace(":'password'", f"'{READER_PASSWORD}'"))
    await root.close()
    conn = await asyncpg.connect(f"postgresql://rubi_reader:{READER_PASSWORD}@{address}")
    try:
        return await _ask_each(conn)
    finally:
        await conn.close()


async def _ask_each(conn: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    board = json.loads((MONITORING / "grafana-trading.json").read_text())
    variable = next(each for each in board["templating"]["list"] if each["name"] == "account")
    accounts = [row["__value"] for row in await conn.fetch(variable["query"])]
    busy = await conn.fetchval("SELECT account_id::text FROM deals GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    if busy not in accounts:
        return [f"the demo's account {busy} is not among those of the variable"]
    wrong, looked = [], 0
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            looked += 1
            try:
                rows = await conn.fetch(filled_sql(target["rawSql"], busy))
            except asyncpg.PostgresError as error:
                wrong.append(f"panel {panel['title']}: {error}: {target['rawSql']}")
                continue
            if not rows:
                wrong.append(f"panel {panel['title']}: no row: {target['rawSql']}")
            elif rows and all(value is None for row in rows for value in row.values()):
                wrong.append(f"panel {panel['title']}: nothing but nulls")
            elif rows and target["format"] == "time_series" and "time" not in rows[0]:
                wrong.append(f"panel {panel['title']}: a time series needs a column time")
    for secret in ("users", "tokens"):
        try:
            await conn.fetch(f"SELECT * FROM {secret}")
        except asyncpg.InsufficientPrivilegeError:
            continue
        wrong.append(f"the reader may read {secret}")
    print(f"check_monitoring: {looked} SQL panels asked")
    return wrong


def filled_sql(sql: str, account: str) -> str:
    """A panel's SQL with Grafana's macros written out as Grafana does it."""
    now = datetime.now(UTC)
    since, until = (moment.isoformat() for moment in (now - timedelta(hours=1), now))
    sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN '{since}' AND '{until}'", sql)
    return sql.replace("$__interval", "5s").replace("$account", account)


if __name__ == "__main__":
    sys.exit(main())
