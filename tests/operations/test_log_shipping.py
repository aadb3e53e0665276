"""Every line that the service writes fits the index that its lines are sent to."""

import json
import subprocess
import sys
from datetime import datetime
from ipaddress import ip_address

import httpx
import yaml
from tests.serving import PASSWORD

from rubi.embedded.places import PROJECT_ROOT, SOURCE_ROOT

ELK = PROJECT_ROOT / "monitoring" / "elk"
TEMPLATE = json.loads((ELK / "index-template.json").read_text())["template"]["mappings"]
CRASH = """
import logging, pathlib, sys
import structlog
from rubi.observability import configure_logging

class Settings:
    log_level, log_file, sentry_dsn = "INFO", None, None

configure_logging(Settings, process="api", version="0")
log = structlog.get_logger("of.a.test")
try:
    raise ValueError("of a test")
except ValueError:
    log.exception("http.crashed")
    logging.getLogger("a.library").exception("it %s", "failed")
log.warning("told", error="why", error_type="ValueError", user_id=7, request_id="r", path=pathlib.Path("/x"))
"""
FITS = {
    "date": datetime.fromisoformat,
    "keyword": str,
    "match_only_text": lambda value: value + "",
    "long": lambda value: value + 0 if type(value) is int else 1 / 0,
    "short": lambda value: 1 / (0 <= value < 2**15),
    "ip": lambda value: value is None or ip_address(value),
    "object": lambda value: isinstance(value, list | dict) or 1 / 0,
}


def of_template(name: str) -> dict:
    """The mapping of a dotted name; nothing when Elasticsearch makes one by itself."""
    here = TEMPLATE
    for part in name.split("."):
        here = here.get("properties", {}).get(part)
        if here is None:
            return {}
    return here


def check(line: dict) -> set[str]:
    """The names of one line that are mapped; fails on a value that its mapping would refuse."""
    mapped = set()
    for name, value in line.items():
        assert not any(other.startswith(f"{name}.") for other in line), f"{name} is a value and an object: {line}"
        mapping = of_template(name)
        assert "properties" not in mapping, f"{name} is an object in the index: {line}"
        if mapping and value is not None:
            try:
                FITS[mapping["type"]](value)
            except (ValueError, TypeError, ZeroDivisionError) as error:
                raise AssertionError(f"{name} is no {mapping['type']}: {value!r}") from error
            mapped.add(name)
        elif not mapping:
            assert "." not in name, f"{name} has a name of the schema and no place in the index"
    return mapped


def leaves(mapping: dict, before: str = "") -> set[str]:
    found = set()
    for name, inner in mapping.get("properties", {}).items():
        found |= leaves(inner, f"{before}{name}.") if "properties" in inner else {f"{before}{name}"}
    return found


def crash_lines() -> list[str]:
    """What a process writes of exceptions, its own and a library's."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH], env={"PYTHONPATH": str(SOURCE_ROOT)}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


async def test_the_index_knows_every_name_of_the_schema_that_the_log_uses(stack):
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as client:
        person = {"email": "l@example.com", "username": "of-the-log-shipping", "password": PASSWORD}
        access = (await client.post("/api/v1/auth/register", json=person)).json()["access_token"]
        await client.get("/api/v1/accounts", headers={"Authorization": f"Bearer {access}"})
    lines = (stack.home / "rubi-studio.log").read_text().splitlines()
    used = set()
    for line in [*lines, *crash_lines()]:
        used |= check(json.loads(line))
    assert len(lines) > 5
    assert {"api", "worker"} <= {json.loads(line)["process.name"] for line in lines}
    assert leaves(TEMPLATE) - used == set(), "names that nothing writes"


def test_what_containers_print_is_read_and_the_template_is_loaded():
    beat = yaml.safe_load((ELK / "filebeat.yml").read_text())
    paths = [path for each in beat["filebeat.inputs"] for path in each["paths"]]
    assert [path for path in paths if path.startswith("/var/lib/docker/containers/")]
    assert [path for path in paths if path.startswith("/var/log/containers/rubi-*_rubi-studio_")]
    pattern = json.loads((ELK / "index-template.json").read_text())["index_patterns"]
    assert pattern == [beat["setup.template"]["pattern"]]
    assert beat["output.elasticsearch"]["index"].startswith(pattern[0].removesuffix("*"))
    assert beat["setup.template"]["enabled"] is True
    assert beat["setup.template"]["json"]["path"].endswith("index-template.json")
    search = [json.loads(line) for line in (ELK / "saved-search.ndjson").read_text().splitlines()]
    columns = next(each["attributes"]["columns"] for each in search if each["type"] == "search")
    assert set(columns) <= leaves(TEMPLATE)
