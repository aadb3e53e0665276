"""`uvicorn main:app` in this folder."""

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
