"""`uvicorn main:app` in this folder."""

import gc
import sys

from rubi import __version__
from rubi.api.app import create_app
from rubi.observability import configure_logging
from rubi.settings import SettingsError, load_settings

try:
    settings = load_settings()
except SettingsError as error:
    sys.exit(f"rubi: {error}")

configure_logging(settings, process="api", version=__version__)
app = create_app(settings)

# Libraries and routes live as long as the process: no collection need look at them again. A call makes hundreds of
# objects and no cycles, and thousands of parked calls hold theirs: with the threshold at 20,000, collections looked at
# 300,000 objects about twice a second, for 50 to 250 ms each, and found nothing (docs/decisions/0070).
gc.freeze()
gc.set_threshold(500_000, 10, 10)
