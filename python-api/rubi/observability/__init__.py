"""What the house says of itself: logs, metrics, crash reports."""

from rubi.observability.logs import configure_logging

__all__ = ["configure_logging"]
