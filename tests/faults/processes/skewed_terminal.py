"""A terminal on a machine whose clock is off by so many seconds: `python -m … SECONDS`, then the terminal's own words.

Everything that this process calls the time is shifted, also what it tells as its own GMT; the broker's time is not.
"""

import dataclasses
import datetime as dt
import sys
import time


def shift(seconds: int) -> None:
    """Set this process's clock off; to be called before anything else is imported."""
    right = time.time_ns
    real = dt.datetime

    class Shifted(real):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return real.now(tz) + dt.timedelta(seconds=seconds)

    dt.datetime = Shifted
    time.time_ns = lambda: right() + seconds * 1_000_000_000
    time.time = lambda: time.time_ns() / 1e9


def main() -> None:
    """Run the terminal's own command line."""
    seconds = int(sys.argv.pop(1))
    shift(seconds)
    import asyncio

    from rubi.terminal import __main__ as terminal
    from rubi.terminal.broker import BrokerTime
    from rubi.terminal.remote import RemoteBroker

    unshifted = RemoteBroker.time

    async def as_this_machine_says(broker: RemoteBroker) -> BrokerTime:
        told = await unshifted(broker)
        return dataclasses.replace(told, gmt=told.gmt + seconds)

    RemoteBroker.time = as_this_machine_says
    asyncio.run(terminal.main(terminal.parse(sys.argv[1:])))


if __name__ == "__main__":
    main()
