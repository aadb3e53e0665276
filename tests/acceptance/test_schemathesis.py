"""The OpenAPI document against the running service: every operation, sensible and senseless requests."""

import asyncio
import json
import sys

import pytest

from rubi.embedded.places import PROJECT_ROOT

SECONDS = 30
# It would end the login that the other requests are made with.
LEFT_OUT = "/api/v1/auth/logout"


@pytest.mark.timeout(300)  # on a busy machine the run outlives its own limit by far
async def test_no_request_crashes_the_service_or_is_answered_as_nobody_wrote_down(base_url, new_user, tmp_path):
    person = await new_user()
    text = (PROJECT_ROOT / "docs" / "openapi.json").read_text()
    (tmp_path / "openapi.json").write_text(text)
    operations = sum(len(methods) for methods in json.loads(text)["paths"].values())
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", base_url),
        *("--phases", "examples,coverage,fuzzing,stateful", "--max-time", str(SECONDS), "--workers", "1"),
        *("--checks", "not_a_server_error,status_code_conformance", "--continue-on-failure"),
        *("--header", f"Authorization: Bearer {person.access_token}", "--exclude-path", LEFT_OUT),
        *("--generation-database", "none", "--seed", "1", "--suppress-health-check", "all", "--no-color"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    report = said.decode(errors="replace")[-20_000:]
    assert process.returncode == 0, report
    assert f"Tested: {operations - 1}\n" in report, report
