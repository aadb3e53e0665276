"""The README's requests, as they stand there, at the running service."""

import asyncio
import re
from uuid import uuid4

from rubi.embedded.places import PROJECT_ROOT

FIRST = "curl http://localhost:8000/health\n"


async def test_every_curl_of_the_readme_works(base_url):
    blocks = re.findall(r"```sh\n(.*?)```", (PROJECT_ROOT / "README.md").read_text(), re.DOTALL)
    (script,) = [block for block in blocks if block.startswith(FIRST)]
    requests = len(re.findall(r"\bcurl ", script))
    name = f"trader-{uuid4().hex[:8]}"
    script = script.replace("http://localhost:8000", base_url).replace("trader1", name).replace("trader@", f"{name}@")
    # As a reader types it, but each failure ends it, and each request is counted.
    setting = 'set -euo pipefail; curl() { echo asked >&2; command curl --noproxy "*" -sS --fail-with-body "$@"; }\n'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", setting + script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, errors = await process.communicate()
    assert process.returncode == 0, (said.decode()[-2000:], errors.decode()[-2000:])
    assert errors.decode().count("asked\n") == requests >= 17
