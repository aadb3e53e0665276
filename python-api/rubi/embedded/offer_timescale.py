"""The first demo on a machine of the Debian family puts TimescaleDB beside the clone; whatever fails, it goes on."""

import time
from collections.abc import Callable
from pathlib import Path

from rubi.embedded import debian_packages, timescale
from rubi.embedded.install_timescale import TimescaleError, install_timescale

PATIENCE = 90.0
TRY_AGAIN_AFTER = 24 * 3600


def offer_timescale(tell: Callable[[str], None], *, place: Path = timescale.PLACE) -> None:
    """Install TimescaleDB unless it is there, unwanted (RUBI_TIMESCALE=0), or failed within the last day."""
    if timescale.switched_off() or timescale.installed(place) or debian_packages.missing_programs():
        return
    failed = place.with_suffix(".failed")
    if failed.exists() and time.time() - failed.stat().st_mtime < TRY_AGAIN_AFTER:
        return
    try:
        install_timescale(tell, place=place, patience=PATIENCE)
    except TimescaleError as error:
        failed.write_text(f"{error}\n")
        tell(f"no TimescaleDB ({error}); plain PostgreSQL is used, ./rubi timescale install tries again")
    else:
        failed.unlink(missing_ok=True)
        timescale.usable.cache_clear()
