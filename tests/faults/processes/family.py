"""The service as `./rubi up` runs it, for runs that kill it again and again: `python -m … --port N`.

The one difference: a child that ends often within a short time is not given up, because here that is the purpose.
"""

import sys
import time
from contextlib import suppress

from rubi.cli.own_settings import own_settings
from rubi.cli.running import progress
from rubi.cli.stopping import Stopped, stopping_everything
from rubi.embedded.instance import claim
from rubi.embedded.stack import Stack

WATCH_EVERY_S = 0.2  # as `./rubi up`


def main(port: int) -> None:
    """Run until a signal comes."""
    stack = Stack(claim("up"), own_settings(), port=port, tell=progress)
    with suppress(Stopped), stopping_everything(stack) as request:
        stack.start()
        print(f"ready {stack.url}", flush=True)
        while True:
            request.heed()
            for restarts in (*stack.servers.values(), *(child.restarts for child in stack.children.values())):
                restarts.quick_failures = 0
            stack.watch()
            time.sleep(WATCH_EVERY_S)


if __name__ == "__main__":
    main(int(sys.argv[sys.argv.index("--port") + 1]))
