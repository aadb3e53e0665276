"""Where the clone is. The settings know it too, but importing them costs every command half a second."""

from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parents[2]
PROJECT_ROOT = SOURCE_ROOT.parent
